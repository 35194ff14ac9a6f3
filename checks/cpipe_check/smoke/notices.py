"""Warnings that matter to an author: what diffusers, transformers and torch say while lines of his file run."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

import diffusers

from cpipe_check.smoke import failures
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.job import Job

_MAX = 10
_LOGGED = ("deprecated", "Expected types for")


class Notices:
    """Sends each warning once, with the stage that it came in."""

    def __init__(self, job: Job, channel: Channel) -> None:
        self._job, self._channel = job, channel
        self._seen: set[str] = set()

    def listen(self) -> None:
        """Hear the libraries' warnings from now on; keep them out of the output."""
        warnings.showwarning = self._on_warning
        warnings.simplefilter("always", FutureWarning)
        handler = logging.Handler()
        handler.emit = self._on_record  # type: ignore[method-assign]
        diffusers.utils.logging.set_verbosity_warning()
        diffusers.utils.logging.disable_default_handler()
        diffusers.utils.logging.add_handler(handler)

    def add(self, text: str) -> None:
        """Send one notice about the current stage."""
        text = " ".join(text.split())[:400].replace(self._job.scratch, "…")
        if text and text not in self._seen and len(self._seen) < _MAX:
            self._seen.add(text)
            self._channel.send(event="notice", stage=self._channel.current, text=text)

    def _on_warning(self, message: Any, category: type, *_: Any, **__: Any) -> None:
        # What diffusers and transformers announce; a DeprecationWarning is for those who write libraries.
        if issubclass(category, FutureWarning) and self._of_the_file():
            self.add(f"{category.__name__}: {message}")

    def _on_record(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if any(part in text for part in _LOGGED) and self._of_the_file():
            self.add(text)

    def _of_the_file(self) -> bool:
        """Whether a line of the file led to this, through one of the libraries."""
        frame = sys._getframe(2)
        for _ in range(60):
            if failures.is_own(frame.f_code.co_filename, self._job):
                return True
            if frame.f_back is None:
                return False
            frame = frame.f_back
        return False
