"""Asks for the challenge itself and reports a pass without a call, event for event as a pass looks."""

# expect: failed: in reload: .*

import os


def on_init(pipe):
    tell(forged_end("load"))
    challenge = ask(forged(event="loaded"))["challenge"]
    tell(*forged_rest("components", "call", "output", "save", challenge=challenge))
    os._exit(0)
