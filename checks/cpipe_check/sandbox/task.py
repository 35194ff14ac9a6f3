"""What the checker and a room tell each other about one piece of untrusted work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# To the room: import modules, run a task, pass its process a reply. From the room: ready or an import's outcome, the
# task's events, the end of what it printed, how it ended.
IMPORT, TASK, REPLY = b"I", b"T", b"R"
READY, EVENTS, OUTPUT, END = b"Y", b"E", b"O", b"X"
# Between the room and the task's process, relayed unread.
EVENT = b"e"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one task may use, all its processes together unless said otherwise.

    Seconds of wall time, bytes of memory (0: no limit), processes and threads, open files a process, bytes a file,
    files and bytes in its directory, bytes of events.
    """

    seconds: float = 300.0
    memory: int = 8 << 30
    processes: int = 64
    open_files: int = 256
    file_size: int = 4 << 30
    files: int = 20_000
    disk: int = 8 << 30
    events: int = 1 << 20
    output: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """Untrusted work: `entry` is "module:function", called in a fork of the room with the payload and a channel.

    `readable` are the paths that it may read besides what every task may. `devices` are device files that it may use.
    """

    entry: str
    payload: Mapping[str, Any]
    limits: Limits = field(default_factory=Limits)
    readable: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task's process ended. `exit_code` is negative for a signal; `output` is the end of what it printed.

    `over` names the limit that it was killed for ("time", "memory", "files", "disk", "events", "output"), or
    "protocol" for what is no report and "room" when the room itself went down with it; else "". `left` counts the
    processes that it left behind, which are gone.
    """

    exit_code: int
    over: str
    output: str
    left: int
