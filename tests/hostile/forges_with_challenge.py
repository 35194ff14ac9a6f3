"""Asks for the challenge itself and reports a pass without a call."""

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


def on_init(pipe):
    end = {"event": "end", "stage": "load", "seconds": 0.1, "ok": True, "challenge": ""}
    os.write(3, frame(end) + frame({"event": "loaded", "challenge": ""}))
    header = os.read(4, 5)
    challenge = json.loads(os.read(4, struct.unpack(">cI", header)[1]))["challenge"]
    for event in list(transcript(challenge))[1:5] + list(transcript(challenge))[6:]:
        os.write(3, frame(event))
    os._exit(0)
