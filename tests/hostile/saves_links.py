"""What it saves is links to files outside."""

# expect: failed: .*

import os


def on_save(pipe, directory):
    os.remove(f"{directory}/model_index.json")
    os.symlink("@@CANARY_FILE@@", f"{directory}/model_index.json")
