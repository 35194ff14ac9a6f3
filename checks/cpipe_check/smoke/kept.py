"""References that a room keeps from one file to the next: each is made once, by the first file that needs it."""

from __future__ import annotations

import os
import re

from cpipe_check.sandbox.room import Room

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,150}")
_FOLDER = "references"


class KeptReferences:
    """The references of one room.

    A process makes one before any of the file's code runs, and tells so; the checker moves it where no task can write,
    which takes Landlock: without it nothing is kept.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
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
        if not self._room.landlocked:
            return ""
        self._directory.mkdir(mode=0o755, exist_ok=True)
        try:
            os.rename(self._room.directory / "work" / built, path)
        except OSError:
            return ""
        return path

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError("no key of a reference")
        return str(self._directory / key)
