"""What it saves is a device, and a directory where a file should be."""

# expect: failed: .*

import os


def on_save(pipe, directory):
    os.remove(f"{directory}/model_index.json")
    try:
        os.mknod(f"{directory}/model_index.json", 0o20666, os.makedev(1, 5))
    except OSError:
        os.mkdir(f"{directory}/model_index.json")
