"""Doing a job once, and recording what came of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from cpipe_bot.jobs import ledger
from cpipe_bot.jobs.database import Database
from cpipe_bot.jobs.durable import Run
from cpipe_bot.jobs.policy import Policy
from cpipe_bot.jobs.recorder import Recorders
from cpipe_bot.jobs.work import GiveUp, Handler, TryAgain
from cpipe_check.text import clean_line

log = logging.getLogger("cpipe_bot.jobs")


class Attempts:
    """The two steps of a workflow. `running` are the runs that this process is at."""

    def __init__(
        self, database: Database, handler: Handler, policy: Policy, tell: Recorders, freed: Callable[[], None]
    ) -> None:
        self._database = database
        self._handler = handler
        self._policy = policy
        self._tell = tell
        self._freed = freed
        self._guard = threading.Lock()
        self.running: frozenset[Run] = frozenset()

    def attempt(self, run: Run) -> dict[str, Any]:
        """Do a run's work, and return what came of it as JSON. Raises nothing that the handler raises."""
        with self._guard:
            self.running |= {run}
        try:
            with self._database.read() as connection:
                job = ledger.job(connection, run.job)
        except Exception:
            self._over(run)
            raise
        if job is None or (job.state, job.run) != ("running", run.number):
            return {"what": "nothing"}
        self._tell.running(job.work)
        began = time.monotonic()
        try:
            done = self._handler(job.work)
        except TryAgain as error:
            return {"what": "again", "why": clean_line(str(error), 500), "seconds": error.seconds}
        except GiveUp as error:
            return {"what": "dead", "why": clean_line(str(error), 500)}
        except Exception as error:
            log.exception("job %d failed", run.job)
            return {"what": "unknown", "why": clean_line(f"{type(error).__name__}: {error}", 500)}
        seconds = time.monotonic() - began
        self._tell.finished(job.work, done, seconds)
        fields = {"repo": job.work.repo, "conclusion": done.conclusion, "seconds": round(seconds, 2)}
        log.info("job %d done", run.job, extra={"fields": fields})
        return {"what": "stale" if done.superseded else "done", "why": clean_line(done.headline, 500)}

    def settle(self, run: Run, outcome: dict[str, Any]) -> None:
        """Record what came of a run, unless it is the job's no more."""
        try:
            match outcome:
                case {"what": "done" | "stale" as what, "why": str(why)}:
                    with self._database.write() as connection:
                        now = self._database.now(connection)
                        ledger.finish(connection, run.job, run.number, now, why, stale=what == "stale")
                case {"what": "again", "why": str(why), "seconds": float() | int() as seconds}:
                    self._again(run, why, self._policy.tries, seconds)
                case {"what": "unknown", "why": str(why)}:
                    self._again(run, why, self._policy.unknown_tries, 0.0)
                case {"what": "dead", "why": str(why)}:
                    self._again(run, why, 0, 0.0)
        finally:
            self._over(run)
            self._freed()

    def put_back(self, run: Run, why: str) -> None:
        """Have a run tried again that left no outcome."""
        self._again(run, why, self._policy.tries, 0.0)

    def take_over(self, run: Run, executor: str) -> bool:
        """Make a run of a dead process that of `executor`, and return whether it may go on.

        After a second death it waits like what failed: one that ends its process is not to do so beside the same others
        again and again, and one that was beside it is not to be given up with it.
        """
        with self._database.write() as connection:
            deaths = ledger.take_over(connection, run.job, run.number, executor)
        if deaths < 2:
            return True
        tries = self._policy.tries if deaths < self._policy.deaths else 0
        self._again(run, f"{deaths} processes ended while it ran", tries, 0.0)
        return False

    def _over(self, run: Run) -> None:
        with self._guard:
            self.running -= {run}

    def _again(self, run: Run, why: str, tries: int, asked: float) -> None:
        with self._database.write() as connection:
            job = ledger.job(connection, run.job)
            if job is None:
                return
            now = self._database.now(connection)
            over = job.tries + 1 >= tries
            if over:
                changed = ledger.bury(connection, run.job, run.number, now, why)
            else:
                due = now + self._policy.wait(job.tries + 1, asked)
                changed = ledger.put_back(connection, run.job, run.number, due, why)
        if changed and over:
            log.error("job %d is dead: %s", run.job, why)
            self._tell.dead(job.work, why)
        elif changed:
            log.warning("job %d is tried again: %s", run.job, why)
            self._tell.retrying(job.work, why)
