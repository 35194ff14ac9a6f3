"""Processes in sessions of their own go on and write later."""

# expect: ran

import os
import signal
import time

room = os.getcwd()
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        for number in range(1, 32):
            try:
                signal.signal(number, signal.SIG_IGN)
            except OSError:
                pass
        if os.fork() == 0:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                time.sleep(0.05)
                try:
                    open("@@CANARY_DIR@@/daemon", "w").write("x")
                    open(os.path.join(room, "daemon"), "w").write("x")
                except OSError:
                    pass
        os._exit(0)
