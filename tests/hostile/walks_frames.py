"""Finds the checker's own objects in its process and uses them."""

# expect: failed: .*

import gc
import os


def on_init(pipe):
    for item in gc.get_objects():
        if type(item).__name__ == "Channel":
            item.ask_challenge()
            for stage in ("components", "call", "output", "save"):
                with item.stage(stage):
                    pass
            item.send(event="verdict", verdict="ran", reason="")
            os._exit(0)
