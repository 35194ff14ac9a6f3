"""Limits that the kernel does not put on several processes together: memory, files and bytes on disk."""

from __future__ import annotations

import os
import time

from cpipe_check.sandbox.linux import identity
from cpipe_check.sandbox.task import Limits

_MEMORY_SECONDS, _DISK_SECONDS = 0.1, 0.25


class Watch:
    """Looks from time to time at what a task uses, and says which limit it exceeds."""

    def __init__(self, directory: str, limits: Limits, room: int) -> None:
        self._directory, self._limits, self._room = directory, limits, room
        self._own = _anonymous(room)
        now = time.monotonic()
        self._next_memory, self._next_disk = now + _MEMORY_SECONDS, now + _DISK_SECONDS

    def exceeded(self) -> str:
        """Return "memory", "files" or "disk" when one is exceeded, else ""."""
        now = time.monotonic()
        if self._limits.memory and now >= self._next_memory:
            self._next_memory = now + _MEMORY_SECONDS
            # A fork's pages are counted with it until it changes them, hence what the room itself has goes off.
            used = sum(max(0, _anonymous(pid) - self._own) for pid in identity.descendants(self._room))
            if used > self._limits.memory:
                return "memory"
        if now >= self._next_disk:
            over, files = _usage(self._directory, self._limits)
            self._next_disk = time.monotonic() + _DISK_SECONDS
            if over:
                return "files" if files > self._limits.files else "disk"
        return ""


def _anonymous(pid: int) -> int:
    """Bytes of memory that no file backs, shared memory included."""
    total = 0
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith((b"RssAnon:", b"RssShmem:")):
                    total += int(line.split()[1]) * 1024
    except OSError:
        return 0
    return total


def _usage(directory: str, limits: Limits) -> tuple[bool, int]:
    """Count files and bytes beneath a directory until a limit is exceeded. Follows no link."""
    files = size = 0
    pending = [directory]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    files += 1
                    status = entry.stat(follow_symlinks=False)
                    size += status.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    if files > limits.files or size > limits.disk:
                        return True, files
        except OSError:
            # Gone since, or nested deeper than a path can name: each level was counted on the way down.
            continue
    return False, files
