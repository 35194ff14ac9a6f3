"""Starts threads without end."""

# expect: (failed: .*|ran)

import threading
import time

started = 0
for _ in range(3000):
    try:
        threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
        started += 1
    except RuntimeError:
        break
if started > 2000:
    raise RuntimeError(f"LOOT {started} threads")
