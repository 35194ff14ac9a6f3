"""Finds the checker's own objects in its process and uses them."""

# expect: failed: in reload: .*

import os


def on_init(pipe):
    found = channel()
    tell(forged_end("load"))
    found.ask_challenge()
    for stage in ("components", "call", "output", "save"):
        with found.stage(stage):
            pass
    found.send(event="verdict", verdict="ran", reason="")
    os._exit(0)
