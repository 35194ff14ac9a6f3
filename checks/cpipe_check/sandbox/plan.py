"""What a room is like: told to its zygote once, before it locks itself up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# Where tasks may write, beneath the room's directory.
WRITABLE = ("work", "home", "out")


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """`directory` is where tasks work; `readable` is what they may read and run, `devices` what they may use.

    `locked` is False for a room that keeps nothing in. `user` is whom the room becomes when it starts as root;
    `reads_all` lets that user read what root keeps for itself, for a Python that lives in root's home: what it reads
    is for Landlock or a mount to limit. `landlock` is whether the kernel has it, `scoped` whether it keeps signals in.
    `kill_all` is whether a signal to everybody stays in the room; `outside` is then a process that it must not reach,
    0 where the room has process ids of its own.
    """

    directory: str
    readable: tuple[str, ...]
    devices: tuple[str, ...]
    locked: bool
    user: int
    reads_all: bool
    landlock: bool
    scoped: bool
    kill_all: bool
    outside: int

    def to_object(self) -> dict[str, Any]:
        """Return the plan as a JSON object."""
        return asdict(self)


def plan_from(value: Mapping[str, Any]) -> RoomPlan:
    """Return the plan that `to_object` wrote."""
    lists = {name: tuple(value[name]) for name in ("readable", "devices")}
    return RoomPlan(**{**value, **lists})
