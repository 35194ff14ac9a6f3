"""Leaves links where the next file's references are made and kept.

The checker moves a reference before any code of the file runs, so that this can only be for the next file.
"""

# expect: ran

import os


def link():
    for number in range(9):
        for name in (f"reference-{number}", "reference", "../references", "../home/reference"):
            for target in ("@@CANARY_DIR@@", "../references", "/etc"):
                try:
                    os.symlink(target, name)
                except OSError:
                    pass


link()


def on_call(pipe, image):
    link()
    return image
