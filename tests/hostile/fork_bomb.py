"""Forks without end."""

# expect: (failed: .*|ran)

import os
import time

for _ in range(300):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    except OSError:
        break
else:
    raise RuntimeError("LOOT 300 processes")
