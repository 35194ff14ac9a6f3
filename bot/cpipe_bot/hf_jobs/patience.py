"""Waiting on another machine: for as long as that is sensible, and no longer than this one is wanted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from cpipe_bot.jobs.work import TryAgain

T = TypeVar("T")
log = logging.getLogger("cpipe_bot.hf_jobs")


class Stopped(Exception):
    """The run has been ended from elsewhere."""


class Patience:
    """The waits of one run, in all its threads. A call is repeated for `seconds`, at first after `pause`."""

    def __init__(self, seconds: float, pause: float) -> None:
        self._seconds, self._pause = seconds, pause
        self._stopped = threading.Event()
        self.interrupted = False

    def stop(self, *, interrupted: bool) -> None:
        """End all waits; `interrupted` tells those who waited that what they waited for is not wanted any more."""
        self.interrupted = interrupted
        self._stopped.set()

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            Stopped: when the run is ended meanwhile.
        """
        if self._stopped.wait(seconds):
            raise Stopped

    def persist(self, call: Callable[[], T]) -> T:
        """Return what a call returns that looks before it does anything; it is repeated while it may be of use.

        Raises:
            TryAgain: when it was of none.
            Stopped: when the run is ended meanwhile.
        """
        end, pause = time.monotonic() + self._seconds, self._pause
        while True:
            self.wait(0)
            try:
                return call()
            except TryAgain as error:
                asked = max(pause, error.seconds)
                if time.monotonic() + asked > end:
                    raise
                log.info("asked again in %.0f s: %s", asked, error)
            self.wait(asked)
            pause *= 2
