"""Writes to every descriptor without end."""

# expect: failed: .*
# room: lost

import os

while True:
    for number in range(3, 20):
        try:
            os.write(number, b"e\x00\x00\x00\x02{}" * 1000)
        except OSError:
            pass
