"""The jobs: what is accepted is on disk, and is done in the end or shown as dead, whatever is killed in between.

A delivery becomes a row (`inbox`), a row whose turn it is becomes a workflow of DBOS (`dispatch`), the workflow does
the work and records what came of it (`attempt`, `settle`). What a dead process left is taken over (`sweep`). Work may
be done twice, when a process ends between doing it and recording that; so a handler looks before it writes.
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import IO, Any

import sqlalchemy as sa

from cpipe_bot.jobs import ledger
from cpipe_bot.jobs.attempt import Attempts
from cpipe_bot.jobs.database import HAND_OVER, BadDatabase, Database
from cpipe_bot.jobs.durable import Durable, Run, client, prune
from cpipe_bot.jobs.inbox import Inbox, Outcome, Stored
from cpipe_bot.jobs.policy import Policy
from cpipe_bot.jobs.recorder import Recorder, Recorders
from cpipe_bot.jobs.sweep import Sweep
from cpipe_bot.jobs.work import QUEUES, Done, Handler, Queue, Waiting, Work

log = logging.getLogger("cpipe_bot.jobs")
_GATHER = 0.1
_SUPERSEDED = Done("neutral", "a newer commit came before it was its turn", superseded=True)


class Engine:
    """Accepts work and has it done, in this process and in others on the same database.

    `workers` jobs of the `queues` run at a time in this process; 0 only accepts. `handler` is called in a thread, by
    several at a time. DBOS allows one engine a process.
    """

    def __init__(
        self,
        database_url: str,
        handler: Handler,
        *,
        workers: int = 2,
        queues: Sequence[Queue] = QUEUES,
        policy: Policy | None = None,
        recorders: Sequence[Recorder] = (),
    ) -> None:
        self.policy = policy or Policy()
        self.database = Database(database_url)
        self.workers = workers
        self.queues = tuple(queues) if workers else ()
        # Two of a name would run each other's jobs.
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._tell = Recorders(recorders)
        self._attempts = Attempts(self.database, handler, self.policy, self._tell, self._wake)
        self._new: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._work = threading.Event()
        self._lock: IO[str] | None = None
        self._threads: tuple[threading.Thread, ...] = ()
        self._beaten = 0.0

    def start(self) -> None:
        """Begin to accept and to work; what an earlier process left is taken over.

        Raises:
            BadDatabase: when the database cannot be used, or is a file that another process uses.
        """
        self.database.create()
        self._lock = self._only_user()
        with self.database.write() as connection:
            if self.database.is_sqlite:
                ledger.forget_executors(connection, float("inf"))
            # Before DBOS takes the first job, or it would look like a dead process's.
            self._say(connection)
        self._inbox = Inbox(self.database, self._stored)
        self._durable = Durable(
            self.database, self.name, self.workers, self.policy.poll, self._attempts.attempt, self._attempts.settle
        )
        self._sweeps = Sweep(
            self.database, self._durable, self._attempts, self.policy, self.name, self.workers, self.queues
        )
        self._beaten = time.monotonic()
        repeated: list[tuple[Callable[[], None], float]] = [(self._beat, self.policy.beat)]
        if not self.workers:
            repeated.append((self._note, self.policy.poll))
        else:
            # What is left over goes before what is new.
            self._sweep()
            repeated += [(self._dispatch, self.policy.poll), (self._sweep, self.policy.sweep), (self._prune, 3600.0)]
        self._threads = tuple(
            threading.Thread(target=self._repeat, args=each, name=each[0].__name__.strip("_"), daemon=True)
            for each in repeated
        )
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float = 30.0) -> int:
        """Take no more work, wait up to `seconds` for what is running, and return how many jobs were handed back."""
        self._stop.set()
        self._wake()
        for thread in self._threads:
            thread.join()
        self._inbox.close()
        self._durable.close(seconds if self._attempts.running else 0)
        left = len(self._attempts.running)
        with self.database.write() as connection:
            ledger.leave(connection, self.name)
        if not left:
            self.database.close()
        if self._lock is not None:
            self._lock.close()
        return left

    def submit(self, works: Iterable[Work]) -> Stored:
        """Store works and return which are new. When it returns they are on disk; else it raises."""
        (outcome,) = self.submit_soon([tuple(works)]).result()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def submit_soon(self, groups: Sequence[Sequence[Work]]) -> Future[list[Outcome]]:
        """Return what will have become of each group of works: what `submit` returns, or raises."""
        return self._inbox.put(groups)

    def jobs(self, state: ledger.State | None = None, limit: int = 100) -> list[ledger.Job]:
        """Return the newest jobs, in `state` where one is given."""
        with self.database.read() as connection:
            return ledger.jobs(connection, state, limit)

    def dead(self) -> list[ledger.Job]:
        """Return the jobs that were given up."""
        return self.jobs("dead", 1000)

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state."""
        with self.database.read() as connection:
            return ledger.counts(connection)

    def waiting(self) -> list[Waiting]:
        """Return how many jobs wait in each queue, and whether any process listens to it."""
        with self.database.read() as connection:
            return ledger.waiting(connection, self.database.now(connection) - self.policy.silence)

    def replay(self, id: int) -> bool:
        """Have a dead job tried again, and return whether there was one."""
        with self.database.write() as connection:
            replayed = ledger.replay(connection, id, self.database.now(connection))
            job = ledger.job(connection, id) if replayed else None
        if job is not None:
            self._stored([job.work])
        return replayed

    def prune(self) -> int:
        """Forget what was finished longer ago than deliveries may come again, and return how many jobs that were."""
        return forget(self.database, self.policy.keep)

    def unready(self) -> str:
        """Return why nothing can be accepted or done now, "" when it can."""
        try:
            with self.database.read() as connection:
                ledger.heard_of(connection, 0.0)
        except Exception as error:
            return f"the database does not answer ({type(error).__name__})"
        dead = [thread.name for thread in self._threads if not thread.is_alive()]
        if dead or not self._inbox.alive:
            return f"not running: {', '.join(dead) or 'inbox'}"
        if time.monotonic() - self._beaten > self.policy.silence:
            return "the workers have not been heard of"
        return ""

    def _only_user(self) -> IO[str] | None:
        """Hold a SQLite file, which only one process may use; the system lets go of it whatever ends the process."""
        if self.database.file is None:
            return None
        lock = self.database.file.with_name(f"{self.database.file.name}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise BadDatabase(f"{self.database.name} is used by another process; several need PostgreSQL") from None
        return lock

    def _stored(self, works: Sequence[Work]) -> None:
        # Told elsewhere: the thread that stores waits for nobody's records.
        for work in works:
            self._new.put(work)
        self._wake()

    def _wake(self) -> None:
        self._work.set()

    def _repeat(self, step: Callable[[], Any], pause: float) -> None:
        while not self._stop.is_set():
            try:
                step()
            except Exception:
                log.exception("%s failed, and is tried again", step.__name__.strip("_"))
            if step == self._dispatch:
                # What comes at once is looked at once.
                self._stop.wait(_GATHER)
                self._work.wait(pause)
                self._work.clear()
            else:
                self._stop.wait(pause)

    def _beat(self) -> None:
        with self.database.write() as connection:
            self._say(connection)
        self._beaten = time.monotonic()

    def _say(self, connection: sa.Connection) -> None:
        ledger.beat(connection, self.name, self.workers, self.database.now(connection), self.queues)

    def _note(self) -> None:
        if works := [self._new.get() for _ in range(self._new.qsize())]:
            self._tell.queued(works)

    def _dispatch(self) -> None:
        """Hand to DBOS what may run now, as many as there are free workers."""
        # Before it is told that they run.
        self._note()
        with self.database.write(HAND_OVER) as connection:
            now = self.database.now(connection)
            room = self.workers - ledger.running_in(connection, self.name)
            superseded = ledger.supersede(connection, now) if room > 0 else []
            for job in ledger.eligible(connection, now, room, self.policy.owner_per_hour, self.queues):
                ledger.start(connection, job.id, job.run + 1, self.name, now)
                self._durable.enqueue(connection, Run(job.id, job.run + 1))
        for job in superseded:
            self._tell.finished(job.work, _SUPERSEDED, 0.0)

    def _sweep(self) -> None:
        self._sweeps.look()
        self._wake()

    def _prune(self) -> None:
        self.prune()


def forget(database: Database, keep: float) -> int:
    """Forget what was finished more than `keep` seconds ago, and return how many jobs that were."""
    with database.write() as connection:
        before = database.now(connection) - keep
        forgotten = ledger.prune(connection, before)
        ledger.forget_executors(connection, before)
    found = client(database)
    try:
        prune(found, before)
    finally:
        found.destroy()
    return forgotten
