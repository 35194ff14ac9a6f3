"""Becoming a user with no rights, and limits on what one process may use."""

from __future__ import annotations

import os
import pwd
import random
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cpipe_check.sandbox.linux import kernel

NOBODY = 65534
# systemd's range for users that are made up on the spot: nobody else's files or processes are theirs.
_MADE_UP = range(61184, 65520)
_lent: set[int] = set()
_lending = threading.Lock()


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What one process, or for `processes` all of the room's, may use. Bytes, seconds and counts."""

    memory: int
    processes: int
    open_files: int
    file_size: int
    cpu_seconds: int


@contextmanager
def made_up_user() -> Iterator[int]:
    """Lend a user id that nobody has, nor any process: limits count all that a user runs, so no two rooms share one."""
    with _lending:
        taken = _lent | {_owner(pid) for pid in pids()}
        user = next((user for user in random.SystemRandom().sample(_MADE_UP, 20) if _is_free(user, taken)), NOBODY)
        _lent.add(user)
    try:
        yield user
    finally:
        _lent.discard(user)


def _is_free(user: int, taken: set[int]) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return user not in taken
    return False


def become(user: int, reads_all: bool) -> None:
    """Stop being root for good, with at most the right to read any file. Does nothing for another process."""
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(user, user, user)
    kernel.keep_only(kernel.CAN_READ_ALL if reads_all else 0, lambda: os.setresuid(user, user, user))


def limit(limits: ProcessLimits) -> None:
    """Put the limits on this process and its descendants. A memory limit of 0 is none."""
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_NOFILE, limits.open_files)
    _set(resource.RLIMIT_FSIZE, limits.file_size)
    _set(resource.RLIMIT_CPU, limits.cpu_seconds)
    # The kernel counts what the user already runs too.
    _set(resource.RLIMIT_NPROC, _tasks() + limits.processes)
    if limits.memory:
        # The first counts private memory, the second shared memory too, but also the libraries mapped already.
        _set(resource.RLIMIT_DATA, limits.memory)
        _set(resource.RLIMIT_AS, _mapped() + limits.memory)


def _set(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _mapped() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _tasks() -> int:
    """The threads of this user that can be seen."""
    return sum(_threads(pid) for pid in pids() if _owner(pid) == os.getuid())


def pids() -> Iterator[int]:
    """Yield the process ids that /proc shows."""
    return (int(name) for name in (os.listdir("/proc") if os.path.isdir("/proc") else ()) if name.isdigit())


def _owner(pid: int) -> int:
    # Who is not dumpable has a directory of root's: its status tells the true user.
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(b"Uid:")), -1)
    except OSError:
        return -1


def _threads(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[17])
    except (OSError, IndexError, ValueError):
        return 0


def descendants(pid: int) -> list[int]:
    """Return the process ids of all descendants of a process, as far as /proc shows them."""
    children: dict[int, list[int]] = {}
    for other in pids():
        try:
            with open(f"/proc/{other}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        children.setdefault(parent, []).append(other)
    found, pending = [], [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found
