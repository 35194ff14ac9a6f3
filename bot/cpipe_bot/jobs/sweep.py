"""Looking for what is left lying: jobs of dead processes, runs without a record, jobs that no worker will come for."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from cpipe_bot.jobs import ledger
from cpipe_bot.jobs.attempt import Attempts
from cpipe_bot.jobs.database import SWEEP, Database
from cpipe_bot.jobs.durable import Durable, Run
from cpipe_bot.jobs.policy import Policy
from cpipe_bot.jobs.work import Queue

log = logging.getLogger("cpipe_bot.jobs")
_DAY = 86_400.0
_MANY = 10_000


@dataclass(slots=True)
class Sweep:
    """The looks of one process, `name`, which does up to `workers` jobs of the `queues` at a time."""

    database: Database
    durable: Durable
    attempts: Attempts
    policy: Policy
    name: str
    workers: int
    queues: tuple[Queue, ...]
    _without_gpu: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        """Take over what dead processes were doing, and put back what nobody will go on with."""
        with self.database.alone(SWEEP) as alone:
            if not alone:
                return
            with self.database.read() as connection:
                now = self.database.now(connection)
                since = now - self.policy.silence
                # Whoever looks lives, however long ago its last beat came through.
                living = ledger.heard_of(connection, since) | {self.name}
                listened = ledger.listened(connection, since) | {*self.queues}
                known = ledger.heard_of(connection, now - _DAY)
                room = self.workers - ledger.running_in(connection, self.name)
                jobs = ledger.jobs(connection, "running", _MANY)
            running = {Run(job.id, job.run): job.work.queue for job in jobs}
            self._dead(self.durable.lost(living), running, listened, room)
            for run in running.keys() - self.durable.undone(running):
                self.attempts.put_back(run, "it ended without a record")
            self.durable.keep_queues(known)
        self._give_up_on_gpu("gpu" in listened)

    def _dead(self, lost: list[Run], running: dict[Run, Queue], listened: frozenset[Queue], room: int) -> None:
        ours = [run for run in lost if run not in running or running[run] in self.queues]
        for run in ours[: max(room, 0)]:
            self._take_over(run)
        for run in lost:
            if run in running and running[run] not in listened:
                # It waits for a worker of its queue, and its repository's other jobs are not to wait for it.
                self.attempts.put_back(run, "its process ended")
                self.durable.cancel(run)

    def _take_over(self, run: Run) -> None:
        if self.attempts.take_over(run, self.name):
            self.durable.resume(run)
            log.warning("job %d of a dead process is taken over", run.job)
        else:
            self.durable.cancel(run)

    def _give_up_on_gpu(self, heard: bool) -> None:
        """Have what waits for a GPU done without one, when no process has listened to that queue for long."""
        if heard:
            self._without_gpu = time.monotonic()
        elif time.monotonic() - self._without_gpu > self.policy.no_gpu:
            with self.database.write() as connection:
                moved = ledger.do_without_gpu(connection)
            if moved:
                log.warning("no worker listens to the gpu queue: %d of its jobs are done without a GPU", moved)
