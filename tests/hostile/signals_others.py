"""Signals to the room, to the checker, to a neighbour and to everybody."""

# expect: ran

import os
import signal


loot(
    lambda: os.kill(int("@@PID@@"), signal.SIGKILL),
    lambda: os.kill(int("@@PARENT@@"), 0),
    lambda: os.killpg(os.getpgid(int("@@PARENT@@")), 0),
)
for number in (signal.SIGSTOP, signal.SIGKILL):
    try:
        os.kill(os.getppid(), number)
    except OSError:
        pass
