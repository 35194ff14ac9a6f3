"""The directory that a room works in: made private, emptied between tasks, removed whatever has been done to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "cpipe-check-"


@contextmanager
def scratch(owner: int | None = None) -> Iterator[Path]:
    """Make a private directory, owned by the user `owner` if given, and remove it afterwards."""
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        if owner is not None:
            os.chown(directory, owner, owner)
        yield directory
    finally:
        remove(directory)


def make(path: Path, mode: int, owner: int | None = None) -> None:
    """Make an empty directory in place of whatever stands there, owned by the user `owner` if given."""
    remove(path)
    path.mkdir(mode=mode)
    if owner is not None:
        os.chown(path, owner, owner)


def remove(path: Path) -> None:
    """Remove a file or a whole directory without following a link, however deep it is nested or locked."""
    with contextlib.suppress(FileNotFoundError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        with contextlib.suppress(OSError, RecursionError):
            shutil.rmtree(path)
    if os.path.lexists(path) and os.name == "posix":
        # These two take directories that are nested deeper than Python's recursion and longer than any path.
        subprocess.run(["chmod", "-R", "u+rwx", "--", str(path)], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", "--", str(path)], check=False, capture_output=True)
