"""Files without end."""

# expect: failed: .*made more than .* files

import time

for number in range(100_000):
    open(f"f{number}", "w").close()
time.sleep(10)


def on_init(pipe):
    raise RuntimeError("LOOT 100,000 files")
