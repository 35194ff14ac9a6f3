"""What it saves blows up a parser of JSON."""

# expect: failed: .*

def on_save(pipe, directory):
    open(f"{directory}/model_index.json", "w").write("[" * 500_000)
