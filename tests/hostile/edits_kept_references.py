"""Writes, renames, removes, replaces and locks the references that the room keeps for the files that come after."""

# expect: ran

import os
import shutil


def tree(top="../references"):
    return {os.path.join(parent, name): os.lstat(os.path.join(parent, name)).st_mode
            for parent, folders, names in os.walk(top) for name in (*folders, *names)}


def attack():
    before = tree()
    if not any(path.endswith("model_index.json") for path in before):
        raise RuntimeError("nothing is kept: nothing is shown here")
    tries = [lambda: os.mkdir("../references/new"), lambda: os.rename("../references", "../gone"),
             lambda: shutil.copytree("../submission", "../references/copied")]
    for path in before:
        tries += [
            lambda path=path: open(path, "ab").write(b"x"),
            lambda path=path: os.truncate(path, 0),
            lambda path=path: os.rename(path, path + ".moved"),
            lambda path=path: os.rename(path, "moved"),
            lambda path=path: os.unlink(path),
            lambda path=path: os.rmdir(path),
            lambda path=path: (os.link(path, "linked"), open("linked", "ab").write(b"x")),
            lambda path=path: os.symlink("/etc/passwd", path + ".link"),
            lambda path=path: open(path + ".new", "w"),
            lambda path=path: os.chown(path, os.getuid(), os.getgid()),
            lambda path=path: os.setxattr(path, "user.loot", b"x"),
        ]
        for change in (lambda path=path: os.chmod(path, 0), lambda path=path: os.utime(path, (0, 0))):
            try:
                change()
            except OSError:
                pass
    loot(*tries)
    if tree() != before:
        raise RuntimeError("LOOT changed")


def on_init(pipe):
    attack()


def on_call(pipe, image):
    attack()
    return image
