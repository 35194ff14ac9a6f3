"""One line on a terminal that says what is going on, with a spinner; nothing anywhere else."""

from __future__ import annotations

import itertools
import shutil
import sys
import threading
import time
from types import TracebackType

from cpipe_check.text import clean_line

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII_FRAMES = "|/-\\"


class Spinner:
    """A context that shows a line on standard error while it lasts; none when `quiet` or when that is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._text = "starting"
        self._since = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def tell(self, done: int, total: int, what: str) -> None:
        """Show another text; with several files, how many are done."""
        self._text = f"[{done + 1}/{total}] {what}" if total > 1 else what

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
            seconds = time.monotonic() - self._since
            width = shutil.get_terminal_size().columns - 12
            sys.stderr.write(f"\r\x1b[K{frame} {clean_line(self._text, max(width, 10))}  {seconds:.0f} s")
            sys.stderr.flush()
