"""A complete report at import, then a clean exit."""

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


data = b"".join(map(frame, transcript()))
for number in range(3, 30):
    try:
        os.write(number, data)
    except OSError:
        pass
os._exit(0)
