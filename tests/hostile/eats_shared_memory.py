"""Maps shared memory, and files in memory, in many processes."""

# expect: (failed: .*|ran)

import mmap
import os
import time

try:
    handle = os.memfd_create("owned")
    os.truncate(handle, 1 << 33)
    raise RuntimeError("LOOT memfd")
except OSError:
    pass
for _ in range(12):
    if os.fork() == 0:
        block = mmap.mmap(-1, 1 << 30, flags=mmap.MAP_SHARED)
        for start in range(0, 1 << 30, 4096):
            block[start] = 1
        time.sleep(20)
        os._exit(0)
time.sleep(5)
