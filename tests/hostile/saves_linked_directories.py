"""What it saves is fine, in directories that are links to others outside."""

# expect: failed: .*

import os


def on_save(pipe, directory):
    out = os.path.dirname(directory)
    os.rename(f"{out}/first", f"{out}/elsewhere")
    os.symlink(f"{out}/elsewhere", f"{out}/first")
