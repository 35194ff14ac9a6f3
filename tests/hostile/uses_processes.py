"""Pools and queues, as a fair pipeline may."""

# expect: (ran|not run: .*|failed: .*)

import subprocess
import sys


def on_call(pipe, image):
    done = subprocess.run(["/bin/sh", "-c", "cat @@CANARY_FILE@@; cat /etc/hostname"], capture_output=True, text=True)
    if done.stdout:
        raise RuntimeError("LOOT " + done.stdout)
    return image
