"""Whoever wants to know what becomes of the work: the pages, the metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from cpipe_bot.jobs.work import Done, Work

log = logging.getLogger("cpipe_bot.jobs")


class Recorder(Protocol):
    """Is told of every change. It may be told twice, since a process may end between a change and its record."""

    def queued(self, works: Sequence[Work]) -> None:
        """They were accepted and stored."""

    def running(self, work: Work) -> None:
        """A worker began it, perhaps again."""

    def finished(self, work: Work, done: Done, seconds: float) -> None:
        """It was done in `seconds`, or something newer took its place (`done.superseded`)."""

    def retrying(self, work: Work, why: str) -> None:
        """It will be tried again."""

    def dead(self, work: Work, why: str) -> None:
        """It was given up, until somebody has it tried again."""


class Recorders:
    """Several recorders as one. What one of them raises is logged and stops neither the job nor the others."""

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        self._recorders = tuple(recorders)

    def queued(self, works: Sequence[Work]) -> None:
        self._tell(lambda each: each.queued(works))

    def running(self, work: Work) -> None:
        self._tell(lambda each: each.running(work))

    def finished(self, work: Work, done: Done, seconds: float) -> None:
        self._tell(lambda each: each.finished(work, done, seconds))

    def retrying(self, work: Work, why: str) -> None:
        self._tell(lambda each: each.retrying(work, why))

    def dead(self, work: Work, why: str) -> None:
        self._tell(lambda each: each.dead(work, why))

    def _tell(self, change: Callable[[Recorder], None]) -> None:
        for recorder in self._recorders:
            try:
                change(recorder)
            except Exception:
                log.exception("a change of a job could not be recorded")
