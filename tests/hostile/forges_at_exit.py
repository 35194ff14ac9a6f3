"""Fails, and makes a pass of it by atexit and excepthook."""

# expect: failed: .*

import json
import os
import struct


def frame(value):
    text = json.dumps(value).encode()
    return struct.pack(">cI", b"e", len(text)) + text

def transcript(challenge=""):
    stages = ("load", "components", "call", "output", "save")
    yield from ({"event": "begin", "stage": s, "challenge": challenge} for s in stages)
    yield from ({"event": "end", "stage": s, "seconds": 0.1, "ok": True, "challenge": challenge} for s in stages)
    yield {"event": "output", "text": "LOOT of gold", "challenge": challenge}
    yield {"event": "verdict", "verdict": "ran", "reason": "", "challenge": challenge}


import atexit
import sys

def forge(*_):
    for event in transcript():
        try:
            os.write(3, frame(event))
        except OSError:
            pass
    os._exit(0)

atexit.register(forge)
sys.excepthook = forge
def on_init(pipe):
    raise RuntimeError("a failure to be hidden")
