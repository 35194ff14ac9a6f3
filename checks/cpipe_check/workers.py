"""Work on what nobody vouches for, in processes of its own: within limits of time and memory, its results in order."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from cpipe_check.sandbox.limits import die_with_parent, limit_memory, signal_name

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
FORKS = sys.platform != "win32"
_CONTEXT: Any = multiprocessing.get_context("fork" if FORKS else "spawn")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may take: seconds on the clock, and bytes of memory on top of what its process starts with.

    Memory is limited on Linux only.
    """

    seconds: float
    memory: int


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no result, for a reason: a clause that says what became of the worker.

    `by_bug` is True when the function raised what it should not.
    """

    reason: str
    by_bug: bool = False


@dataclass(frozen=True, slots=True)
class _Raised:
    """The function has a bug: what it raised, as text, since not every exception can be sent."""

    error: str


def in_workers(
    function: Callable[[_Item], _Result], items: Sequence[_Item], count: int, limits: Limits
) -> Iterator[_Result | Lost]:
    """Yield `function(item)` for every item, in order, worked out by at most `count` processes.

    An item that exceeds a limit, or that its process dies of, costs nothing but its own result: that one is `Lost`. The
    processes are forked where there is `fork`, so that `function` may be a closure. None of them outlives the iterator.
    """
    waiting = deque(enumerate(items))
    results: dict[int, _Result | Lost] = {}
    workers: list[_Worker[_Item, _Result]] = []
    try:
        for index in range(len(items)):
            while index not in results:
                workers = [worker for worker in workers if worker.alive]
                idle = deque(worker for worker in workers if not worker.busy)
                while waiting and (idle or len(workers) < count):
                    if not idle:
                        idle.append(_Worker(function, limits))
                        workers.append(idle[0])
                    idle.popleft().give(*waiting.popleft())
                busy = [worker for worker in workers if worker.busy]
                for done, result in _wait(busy):
                    results[done] = result
            yield results.pop(index)
    finally:
        for worker in workers:
            worker.kill()


class _Worker(Generic[_Item, _Result]):
    """One process that works on one item at a time."""

    def __init__(self, function: Callable[[_Item], _Result], limits: Limits) -> None:
        self._limits = limits
        self.pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs, function, limits), daemon=True)
        with _interrupts_held():
            self._process.start()
        theirs.close()
        self.alive, self.busy = True, False
        self._index, self.deadline = 0, 0.0

    def give(self, index: int, item: _Item) -> None:
        self.busy, self._index = True, index
        self.deadline = time.monotonic() + self._limits.seconds
        # A worker that has died meanwhile says so when its answer is read.
        with contextlib.suppress(OSError):
            self.pipe.send(item)

    def take(self) -> tuple[int, _Result | Lost]:
        """Return the answer, which is there or overdue."""
        self.busy = False
        if not self.pipe.poll():
            self.kill()
            return self._index, Lost(f"did not finish within {self._limits.seconds:g} s")
        try:
            answer = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            self.kill()
            return self._index, Lost(_how(self._process.exitcode, self._limits))
        if isinstance(answer, _Raised):
            return self._index, Lost(f"has a bug that this file brings out, please report it: {answer.error}", True)
        return self._index, answer

    def kill(self) -> None:
        self.alive = False
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _wait(busy: Sequence[_Worker[_Item, _Result]]) -> Iterator[tuple[int, _Result | Lost]]:
    """Wait until at least one worker has its answer or is out of time; yield what each such one came to."""
    left = min(worker.deadline for worker in busy) - time.monotonic()
    ready = wait([worker.pipe for worker in busy], max(left, 0))
    for worker in busy:
        if worker.pipe in ready or worker.deadline <= time.monotonic():
            yield worker.take()


def _how(exit_code: int, limits: Limits) -> str:
    if exit_code == -signal.SIGABRT:
        # How native code ends that gets no memory.
        return f"had its process killed by SIGABRT: it needs more than {limits.memory >> 20} MB of memory, most likely"
    if exit_code >= 0:
        return f"ended its process with exit code {exit_code}"
    return f"had its process killed by {signal_name(-exit_code)}"


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """No interrupt reaches a new process before it is ready for one, nor this one before it knows the other."""
    if not FORKS:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, function: Callable[[_Item], _Result], limits: Limits) -> None:
    """The life of a worker: until its parent kills it, or has died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if FORKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    die_with_parent()
    _limit_memory(limits.memory)
    # Its life is too short for cycles to matter.
    gc.disable()
    # A native parser that dies writes there what the parent says in its own words.
    faulthandler.disable()
    for descriptor in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            os._exit(0)
        pipe.send(_answer(function, item, limits))


def _answer(function: Callable[[_Item], _Result], item: _Item, limits: Limits) -> _Result | Lost | _Raised:
    try:
        return function(item)
    except MemoryError:
        return Lost(f"needs more than {limits.memory >> 20} MB of memory")
    except BaseException as error:
        return _Raised(f"{type(error).__name__}: {error}")


def _limit_memory(more: int) -> None:
    """Limit what this process allocates from now on; what it inherited may be large already."""
    # A limit that cannot be set is a lower one that is there; without /proc there is none.
    with contextlib.suppress(OSError, ValueError):
        limit_memory(_allocated() + more)


def _allocated() -> int:
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
