"""Smoke-loads of many files: rooms side by side, a thread for each, the verdicts in the order of the files."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from cpipe_check.machine import available_memory, usable_cpus
from cpipe_check.report.model import Smoke
from cpipe_check.sandbox.room import Stopped
from cpipe_check.smoke.run import SmokeOptions, Smoker, on_gpu
from cpipe_check.smoke.target import SmokeTarget
from cpipe_check.submission import Submission

# A room's imports cost about as much as this many files, and its processes rarely take more than this many bytes.
_WORTH_A_ROOM, _ROOM_MEMORY = 4, 3 << 30

# Told what begins with a file, by its index; "" when the file is done. Called from several threads.
Tell = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Load:
    """One file to smoke-load: what its text tells, and its content with that of the files beside it, itself first."""

    target: SmokeTarget
    files: Mapping[str, bytes]


def load_of(submission: Submission, target: SmokeTarget) -> Load:
    """Return the smoke-load of a submission: its content, then that of the modules beside it, by name."""
    files = {submission.name if submission.name.endswith(".py") else "pipeline_file.py": submission.content}
    for module in target.siblings:
        content = submission.read_sibling(module)
        if content is not None:
            files[f"{module.replace('.', '/')}.py"] = content
    return Load(target, files)


# Smoke-loads every file, as `smoke_load_all` does.
LoadAll = Callable[[Sequence[Load], SmokeOptions, Tell], Sequence[Smoke]]


def smoke_load_all(loads: Sequence[Load], options: SmokeOptions, tell: Tell) -> list[Smoke]:
    """Smoke-load every file and return the verdicts, in order.

    An interrupt, or whatever else ends it early, ends all rooms first.
    """
    count = room_count(options, len(loads))
    if count > 1:
        return _Pool(loads, options, tell).run(count)
    with Smoker(options) as smoker:
        return [_smoke_load(smoker, index, load, tell) for index, load in enumerate(loads)]


def room_count(options: SmokeOptions, files: int) -> int:
    """Return how many rooms so many files get: those asked for, else what the machine and the files suggest."""
    if options.jobs:
        return min(options.jobs, files)
    if on_gpu(options.device):
        return 1
    memory = available_memory()
    fitting = usable_cpus() if memory is None else memory // _ROOM_MEMORY
    return max(1, min(usable_cpus(), fitting, files // _WORTH_A_ROOM))


def _smoke_load(smoker: Smoker, index: int, load: Load, tell: Tell) -> Smoke:
    tell(index, "start")
    smoke = smoker.smoke_load(load.target, load.files, lambda stage: tell(index, stage))
    tell(index, "")
    return smoke


class _Pool:
    """One run. Each room is opened, used and closed by one thread: bubblewrap's dies with the one that started it."""

    def __init__(self, loads: Sequence[Load], options: SmokeOptions, tell: Tell) -> None:
        self._loads, self._options, self._tell = loads, options, tell
        self._waiting = deque(range(len(loads)))
        self._done: SimpleQueue[tuple[int, Smoke] | BaseException] = SimpleQueue()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._working = 0

    def run(self, count: int) -> list[Smoke]:
        """Smoke-load all files in `count` rooms."""
        self._working = count
        threads = [threading.Thread(target=self._work, name=f"room {number}") for number in range(count)]
        results: dict[int, Smoke] = {}
        # While the rooms open: whichever is ready first takes it.
        self._tell(0, "start")
        try:
            for thread in threads:
                thread.start()
            while len(results) < len(self._loads):
                done = self._done.get()
                if isinstance(done, BaseException):
                    raise done
                results[done[0]] = done[1]
        finally:
            # A room that is still starting has come too late.
            self._stop.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        return [results[index] for index in range(len(self._loads))]

    def _work(self) -> None:
        try:
            with Smoker(self._options, self._stop) as smoker:
                while self._waiting:
                    # Before it takes a file, which another room may be free for meanwhile.
                    if not smoker.open_ahead() and self._leave():
                        return
                    try:
                        index = self._waiting.popleft()
                    except IndexError:
                        return
                    self._done.put((index, _smoke_load(smoker, index, self._loads[index], self._tell)))
        except Stopped:
            pass
        except BaseException as error:
            self._done.put(error)

    def _leave(self) -> bool:
        """Return whether another thread can do the work; the last one says of each file why it cannot be done."""
        with self._lock:
            if self._working == 1:
                return False
            self._working -= 1
            return True
