"""What it saves blocks whoever reads it."""

# expect: failed: .*
# seconds: 6

import os


def on_save(pipe, directory):
    os.remove(f"{directory}/model_index.json")
    os.mkfifo(f"{directory}/model_index.json")
    out = os.path.dirname(directory)
    os.rename(f"{out}/first", f"{out}/kept")
    os.mkdir(f"{out}/first")
    os.mkfifo(f"{out}/first/0.f32")
