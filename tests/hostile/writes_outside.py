"""Writes, appends, renames, removes, and changes modes and times outside."""

# expect: ran

import os
import shutil
import sys

WHERE = ["@@CANARY_DIR@@", "@@SITE@@", "/usr/local/lib", "/tmp", "/var/tmp", "/dev/shm", "/root", "/home"]
for directory in [*WHERE, *sys.path]:
    for name in ("owned.py", "usercustomize.py", "owned.pth"):
        try:
            with open(os.path.join(directory, name), "w") as file:
                file.write("owned")
        except OSError:
            pass
for act in (
    lambda: open("@@CANARY_FILE@@", "a").write("x"),
    lambda: os.truncate("@@CANARY_FILE@@", 0),
    lambda: os.chmod("@@CANARY_FILE@@", 0o400),
    lambda: os.chmod("@@CANARY_DIR@@", 0),
    lambda: os.utime("@@CANARY_FILE@@", (0, 0)),
    lambda: os.chown("@@CANARY_FILE@@", 1, 1),
    lambda: os.setxattr("@@CANARY_FILE@@", "user.owned", b"x"),
    lambda: os.rename("@@CANARY_FILE@@", "@@CANARY_FILE@@.moved"),
    lambda: os.unlink("@@CANARY_FILE@@"),
    lambda: os.mkdir("@@CANARY_DIR@@/made"),
    lambda: os.symlink("/", "@@CANARY_DIR@@/link"),
    lambda: os.mkfifo("@@CANARY_DIR@@/fifo"),
    lambda: shutil.rmtree("@@CANARY_DIR@@"),
):
    try:
        act()
    except OSError:
        pass
