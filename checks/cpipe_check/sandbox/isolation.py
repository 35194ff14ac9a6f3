"""Which room untrusted code runs in: the strongest that is proven, or none at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from cpipe_check.sandbox import backends, directory, environment
from cpipe_check.sandbox.backends import Backend
from cpipe_check.sandbox.plan import RoomPlan
from cpipe_check.sandbox.probe import ESSENTIAL, FACTS, Capabilities, probe
from cpipe_check.sandbox.room import Room, RoomError


class Unavailable(Exception):
    """No room that holds what is demanded. The message is one line: what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the work needs of its room: packages to read, other paths, devices, variables, a limit on memory."""

    packages: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    variables: Mapping[str, str] | None = None
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Isolation:
    """The room that something ran in: its kind, and what was proven of it and what not."""

    name: str
    proven: tuple[str, ...]
    not_proven: tuple[str, ...]


def in_ci() -> bool:
    """Return whether this runs in continuous integration, by the variable that all its services set."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


@contextmanager
def room_of(backend: Backend, needs: Needs, stop: threading.Event | None = None) -> Iterator[Room]:
    """Make a room of one kind, without asking what it holds.

    Raises:
        RoomError: when it does not start.
        Stopped: when `stop` is set meanwhile.
    """
    from cpipe_check.sandbox.linux import identity, landlock

    locked = backend.name != "none"
    root = locked and os.geteuid() == 0
    known = landlock.version() if locked else 0
    paths = (*environment.readable(needs.packages), *needs.readable)
    with ExitStack() as stack:
        user = stack.enter_context(identity.made_up_user()) if root else os.getuid()
        path = stack.enter_context(directory.scratch(user if root else None))
        scoped = known >= landlock.SCOPES_SINCE
        plan = RoomPlan(
            directory=str(path.resolve()),
            readable=paths,
            devices=needs.devices,
            locked=locked,
            user=user,
            reads_all=root and not isinstance(backend, backends.Container),
            landlock=known > 0,
            scoped=scoped,
            kill_all=scoped or (locked and backend.own_processes),
            outside=0 if backend.own_processes else os.getpid(),
        )
        yield stack.enter_context(Room(backend, plan, _variables(needs, plan), needs.memory, stop))


def _variables(needs: Needs, plan: RoomPlan) -> dict[str, str]:
    """`{room}` in a variable stands for the room's directory."""
    return {name: value.replace("{room}", plan.directory) for name, value in (needs.variables or {}).items()}


@contextmanager
def open_room(mode: str, needs: Needs, stop: threading.Event | None = None) -> Iterator[tuple[Room, Isolation]]:
    """Open the strongest room of a mode that is proven to hold what the mode demands; "none" demands nothing.

    "strict" demands every fact of `FACTS`; every other mode those without which nothing untrusted runs.

    Raises:
        Unavailable: when there is none.
        Stopped: when `stop` is set meanwhile, or while the room is used.
    """
    if mode == "none":
        with room_of(backends.Kernel("none"), needs, stop) as room:
            yield room, Isolation("none", (), tuple(FACTS))
        return
    demanded = tuple(FACTS) if mode == "strict" else ESSENTIAL
    reasons = []
    for backend in backends.known():
        if mode not in ("auto", "strict", backend.name):
            continue
        missing = backend.missing()
        if missing:
            reasons.append(f"{backend.name}: {missing}")
            continue
        with ExitStack() as stack:
            try:
                room = stack.enter_context(room_of(backend, needs, stop))
            except RoomError as error:
                reasons.append(str(error))
                continue
            found = probe(room)
            lacking = _lacking(found, demanded)
            if not lacking:
                room.clear()
                yield room, Isolation(backend.name, found.proven, tuple(found.broken))
                return
            reasons.append(f"{backend.name}: {lacking}")
    raise Unavailable("; ".join(reasons) or "this system has no means that we know: run it in a Linux container or WSL")


def _lacking(found: Capabilities, demanded: Sequence[str]) -> str:
    holes = [f"{fact} not proven ({', '.join(found.broken[fact])})" for fact in demanded if fact in found.broken]
    return "; ".join(holes)
