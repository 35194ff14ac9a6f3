"""One line on a terminal that says what is going on, with a spinner; nothing anywhere else."""

from __future__ import annotations

import itertools
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType

from cpipe_check.text import clean_line

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII_FRAMES = "|/-\\"
# So many files tell how long the others will take.
_ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Step:
    """How far one of a phase's files is: `stage` begins, or the file is done when it is "".

    `index` is the file's among the `total` of the phase, which is "static check" or "smoke-load".
    """

    phase: str
    index: int
    total: int
    name: str
    stage: str


class Board:
    """What is going on, put together from steps; told by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._phase, self._total, self._done = "", 0, 0
        self._running: dict[int, str] = {}
        # When the first file of the phase began, and when the last one was done.
        self._began = self._last = 0.0

    def tell(self, step: Step, now: float) -> None:
        """Take a step that was made at `now`, in seconds of any clock."""
        with self._lock:
            if step.phase != self._phase:
                self._phase, self._total, self._done, self._running = step.phase, step.total, 0, {}
                self._began = self._last = 0.0
            if not step.stage:
                self._running.pop(step.index, None)
                self._done, self._last = self._done + 1, now
                return
            self._running[step.index] = f"{step.name}: {step.stage}"
            # Before that the sandbox starts, which is done once.
            if step.stage != "start" and not self._began:
                self._began = now

    def text(self) -> str:
        """Return what is being done: with several files how many are done, and the names of those in work."""
        with self._lock:
            running = ", ".join(self._running.values())
            if self._total > 1:
                return f"[{self._done}/{self._total}] {running or self._phase}"
            return f"{self._phase} of {running}" if running else "starting"

    def left(self, now: float) -> float | None:
        """Return about how many seconds the phase will take from now on; None when that cannot be told yet."""
        with self._lock:
            if not self._began or self._done < _ENOUGH or self._done >= self._total:
                return None
            each = (self._last - self._began) / self._done
            return max(each * (self._total - self._done) - (now - self._last), 0.0)


class Spinner:
    """A context that shows a line on standard error while it lasts; none when `quiet` or when that is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._board = Board()
        self._since = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def tell(self, step: Step) -> None:
        """Show another step."""
        self._board.tell(step, time.monotonic())

    def __enter__(self) -> Spinner:
        if self._shown:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._stop.set()
            self._thread.join()
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _spin(self) -> None:
        unicode = (sys.stderr.encoding or "").lower().startswith("utf")
        for frame in itertools.cycle(_FRAMES if unicode else _ASCII_FRAMES):
            if self._stop.wait(0.1):
                return
            now = time.monotonic()
            left = self._board.left(now)
            clock = f"{now - self._since:.0f} s" + ("" if left is None else f", ~{_rounded(left)} left")
            width = shutil.get_terminal_size().columns - len(clock) - 5
            sys.stderr.write(f"\r\x1b[K{frame} {clean_line(self._board.text(), max(width, 10))}  {clock}")
            sys.stderr.flush()


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return f"{max(5 * round(seconds / 5), 5)} s"
    return f"{round(seconds / 60)} min"
