"""Files outside, directly, by links, by /proc and by descriptors."""

# expect: ran

import os


def by_link():
    os.symlink("@@CANARY_FILE@@", "link")
    return open("link").read()

def by_hard_link():
    os.link("@@CANARY_FILE@@", "hard")
    return open("hard").read()

def by_path_descriptor():
    handle = os.open("@@CANARY_FILE@@", os.O_PATH)
    return open(f"/proc/self/fd/{handle}").read()

def by_inherited():
    found = []
    for number in range(3, 300):
        try:
            if "@@CANARY_DIR@@" in os.readlink(f"/proc/self/fd/{number}"):
                found.append(number)
        except OSError:
            pass
    return found or 1 / 0

def by_change_of_directory():
    os.chdir("@@CANARY_DIR@@")
    return open("secret").read()

loot(
    # First: the others leave descriptors of their own, which Landlock lets them have without reading.
    by_inherited,
    lambda: open("@@CANARY_FILE@@").read(),
    by_link,
    by_hard_link,
    by_path_descriptor,
    by_change_of_directory,
    lambda: open("/proc/self/root@@CANARY_FILE@@").read(),
    lambda: open("/proc/@@PARENT@@/root@@CANARY_FILE@@").read(),
    lambda: os.listdir("@@CANARY_DIR@@"),
    lambda: os.listdir("/root"),
    lambda: os.listdir("/home"),
)
