"""All is well but the outputs, which are links."""

# expect: failed: .*

import os


def on_save(pipe, directory):
    out = os.path.dirname(directory)
    os.rename(f"{out}/first/0.f32", f"{out}/kept")
    os.symlink("@@CANARY_FILE@@", f"{out}/first/0.f32")
