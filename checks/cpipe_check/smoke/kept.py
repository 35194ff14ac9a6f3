"""References that a room keeps from one file to the next: each is made once, by the first file that needs it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from cpipe_check.sandbox.room import Room

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,150}")
_FOLDER = "references"
# Of one reference, and of all in a room. They count towards what the next file's task may write.
_MOST_BYTES, _MOST_IN_ALL = 64 << 20, 1 << 30


class KeptReferences:
    """The references of one room.

    A process makes one before any of the file's code runs, and tells so; the checker moves it where no task can write,
    which takes Landlock: without it nothing is kept. Nor is it of a file that may not add one, or of one that is large.
    """

    def __init__(self, room: Room, *, keeps: bool = True) -> None:
        self._room, self._keeps = room, keeps
        self._directory = room.directory / _FOLDER

    def find(self, key: str) -> str:
        """Return the directory of a kept reference, "" when there is none.

        Raises:
            ValueError: for what is no key.
        """
        path = self._path(key)
        return path if os.path.isdir(path) else ""

    def keep(self, key: str, built: str) -> str:
        """Move the reference that was made in `work/BUILT` and return where it is now; "" when it stays.

        Raises:
            ValueError: for what is no key, or no name.
        """
        path = self._path(key)
        if not _KEY.fullmatch(built):
            raise ValueError("no name of a directory")
        made = self._room.directory / "work" / built
        if not (self._keeps and self._room.landlocked and _is_directory(made)):
            return ""
        size = _size(made)
        if size > _MOST_BYTES or size + _size(self._directory) > _MOST_IN_ALL:
            return ""
        self._directory.mkdir(mode=0o755, exist_ok=True)
        try:
            os.rename(made, path)
        except OSError:
            return ""
        return path

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError("no key of a reference")
        return str(self._directory / key)


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _size(directory: Path) -> int:
    """Bytes of all files beneath a directory, following no link."""
    return sum(
        os.lstat(os.path.join(parent, name)).st_size for parent, _, names in os.walk(directory) for name in names
    )
