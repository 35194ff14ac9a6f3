"""Fails, and makes a pass of it by atexit and excepthook."""

# expect: failed: in load: RuntimeError: a failure to be hidden

import atexit
import os
import sys


def forge(*_):
    tell(forged_end("load"), *forged_rest("components", "call", "output", "save"))
    os._exit(0)


atexit.register(forge)
sys.excepthook = forge


def on_init(pipe):
    raise RuntimeError("a failure to be hidden")
