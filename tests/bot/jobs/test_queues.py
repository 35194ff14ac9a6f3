"""Two queues: who takes what, what waits for nobody, a worker with a GPU that dies, a database of before."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.jobs.comments import Comments
from bot.jobs.conftest import FAST, Started, fine
from bot.jobs.server import Server, delivery, free_port, post
from bot.jobs.test_engine import PUSH, idle, until
from cpipe_bot.jobs import ledger
from cpipe_bot.jobs.attempt import Attempts
from cpipe_bot.jobs.database import EXECUTORS, JOBS, METADATA, Database
from cpipe_bot.jobs.durable import Run
from cpipe_bot.jobs.inbox import Inbox
from cpipe_bot.jobs.recorder import Recorders
from cpipe_bot.jobs.sweep import Sweep
from cpipe_bot.jobs.work import Done, Queue, Waiting, Work
from postgres import Postgres

ASKED = Work("model", "octo/pipe", "refs/pr/1", "", "1", "command", 1, "c1", "gpu")
LATE = 1e12


def _put(found: Database, *works: Work) -> list[int]:
    inbox = Inbox(found, lambda _: None)
    inbox.put([works]).result()
    inbox.close()
    with found.read() as connection:
        ids = {job.work.key: job.id for job in ledger.jobs(connection)}
    return [ids[work.key] for work in works]


def _turn(connection: sa.Connection, *queues: str) -> list[str]:
    jobs = ledger.eligible(connection, LATE, 10, 100, queues)  # type: ignore[arg-type]
    return [f"{job.work.repo} {job.work.queue}" for job in jobs]


def test_whose_turn_it_is(database: str) -> None:
    found = Database(database)
    found.create()
    try:
        asked, pushed, _ = _put(found, ASKED, PUSH, replace(PUSH, repo="octo/other"))
        with found.write() as connection:
            assert ledger.job(connection, asked).work == ASKED  # type: ignore[union-attr]
            assert _turn(connection, "gpu") == ["octo/pipe gpu"]
            assert _turn(connection, "cpu") == ["octo/pipe cpu", "octo/other cpu"]
            assert _turn(connection, "cpu", "gpu") == ["octo/pipe gpu", "octo/other cpu"]
            assert _turn(connection) == []
            # One of a repository, whatever queue it is in.
            ledger.start(connection, pushed, 1, "here", LATE)
            assert _turn(connection, "gpu") == []
            assert ledger.finish(connection, pushed, 1, LATE, "")
            ledger.start(connection, asked, 1, "there", LATE)
            assert _turn(connection, "cpu", "gpu") == ["octo/other cpu"]
            assert ledger.finish(connection, asked, 1, LATE, "")
        # A delivery that comes twice is the same, though a GPU has come or gone meanwhile.
        _put(found, replace(ASKED, queue="cpu"))
        with found.read() as connection:
            assert ledger.counts(connection) == {"finished": 2, "queued": 1}
    finally:
        found.close()


def test_the_newest_commit_only_over_both(database: str) -> None:
    """Nothing that a command asked for gives way, nor does a push to a command."""
    found = Database(database)
    found.create()
    try:
        older, _, newer = _put(found, PUSH, replace(ASKED, ref=PUSH.ref), replace(PUSH, sha="b" * 40))
        with found.write() as connection:
            assert [job.id for job in ledger.supersede(connection, LATE)] == [older]
            assert {job.id for job in ledger.jobs(connection, "queued")} == {newer - 1, newer}
    finally:
        found.close()


def _as_before(found: Database) -> None:
    """The tables of before there were queues, and a job."""
    METADATA.create_all(found.engine)
    with found.write() as connection:
        for table, column in ((JOBS, "queue"), (EXECUTORS, "queues")):
            connection.execute(sa.text(f"ALTER TABLE {table.name} DROP COLUMN {column}"))
        _old_row(connection, "a")
        connection.execute(sa.text("INSERT INTO cpipe_executors (name, workers, beat) VALUES ('old', 2, 5.0)"))


def _old_row(connection: sa.Connection, sha: str) -> None:
    work = (
        f'{{"repo_type": "model", "repo": "octo/pipe", "ref": "refs/heads/main", "sha": "{sha * 40}", "rules": "1", '
        '"trigger": "push", "discussion": null, "comment": ""}'
    )
    values = {"key": replace(PUSH, sha=sha * 40).key, "work": work}
    columns = (
        "key, repo_type, repo, owner, ref, comment, work, state, run, executor, tries, deaths, accepted, due, reason"
    )
    told = "'model', 'octo/pipe', 'octo', 'refs/heads/main', '', :work, 'queued', 0, '', 0, 0, 1.0, 1.0, ''"
    connection.execute(sa.text(f"INSERT INTO cpipe_jobs ({columns}) VALUES (:key, {told})"), values)


def test_a_database_from_before(database: str, start: Started) -> None:
    found = Database(database)
    try:
        _as_before(found)
        for _ in range(2):
            found.create()
        with found.write() as connection:
            (job,) = ledger.jobs(connection)
            assert job.work == PUSH
            assert _turn(connection, "cpu") == ["octo/pipe cpu"]
            assert ledger.listened(connection, 0.0) == frozenset()
            # A process of before, that is still at it.
            _old_row(connection, "b")
    finally:
        found.close()
    engine = start(database, fine)
    assert engine.submit([PUSH]).accepted == ()
    until(lambda: idle(engine))
    assert engine.counts() == {"finished": 1, "superseded": 1}


def test_several_processes_find_a_database_from_before(a_postgres: Postgres) -> None:
    url = a_postgres.database()
    found = [Database(url) for _ in range(6)]
    try:
        _as_before(found[0])
        failed: list[Exception] = []

        def create(each: Database) -> None:
            try:
                each.create()
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=create, args=(each,)) for each in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        with found[0].read() as connection:
            assert [job.work.queue for job in ledger.jobs(connection)] == ["cpu"]
    finally:
        for each in found:
            each.close()


def test_one_process_does_everything(sqlite: str, start: Started) -> None:
    done: list[str] = []

    def handle(work: Work) -> Done:
        done.append(work.queue)
        return Done("success", "")

    engine = start(sqlite, handle)
    engine.submit([ASKED, PUSH])
    until(lambda: idle(engine))
    assert sorted(done) == ["cpu", "gpu"]
    assert engine.waiting() == [Waiting("cpu", 0, True), Waiting("gpu", 0, True)]


def test_nobody_listens(database: str, start: Started) -> None:
    """It is told, other jobs of the repository do not wait for it, and in the end it is done without a GPU."""
    done: list[tuple[str, str]] = []

    def handle(work: Work) -> Done:
        done.append((work.trigger, work.queue))
        return Done("success", "")

    engine = start(database, handle, queues=("cpu",))
    engine.submit([ASKED, PUSH])
    until(lambda: done == [("push", "cpu")])
    until(lambda: not engine.counts().get("running"))
    assert engine.counts() == {"queued": 1, "finished": 1}
    _, gpu = engine.waiting()
    assert gpu == Waiting("gpu", 1, False)
    assert gpu.trouble == "1 job waits in the gpu queue, and no worker listens to it"
    engine._sweeps.policy = replace(FAST, no_gpu=0.0)
    until(lambda: idle(engine))
    assert done == [("push", "cpu"), ("command", "cpu")]


class _Lost:
    """DBOS, as far as a look at what is lost asks it: `runs` are dead processes'."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.told: list[tuple[str, Run]] = []

    def lost(self, living: frozenset[str]) -> list[Run]:
        assert "dead" not in living
        return self.runs

    def undone(self, runs: Iterable[Run]) -> set[Run]:
        return set(runs)

    def resume(self, run: Run) -> None:
        self.told.append(("resume", run))

    def cancel(self, run: Run) -> None:
        self.told.append(("cancel", run))

    def keep_queues(self, known: frozenset[str]) -> None:
        pass


def _sweep(found: Database, durable: _Lost, *queues: Queue) -> None:
    attempts = Attempts(found, fine, FAST, Recorders([]), lambda: None)
    Sweep(found, durable, attempts, FAST, "here", 4, queues).look()  # type: ignore[arg-type]


def test_whose_are_the_jobs_of_a_dead_process(database: str) -> None:
    found, durable = Database(database), _Lost()
    found.create()
    try:
        asked, pushed = _put(found, ASKED, replace(PUSH, repo="octo/other"))
        with found.write() as connection:
            now = found.now(connection)
            ledger.beat(connection, "there", 1, now, ("gpu",))
            for id in (asked, pushed):
                ledger.start(connection, id, 1, "dead", now)
        durable.runs = [Run(asked, 1), Run(pushed, 1)]
        _sweep(found, durable, "cpu")
        assert durable.told == [("resume", Run(pushed, 1))]
        # Nobody is left who may go on with it.
        durable.runs = [Run(asked, 1)]
        with found.write() as connection:
            ledger.leave(connection, "there")
        _sweep(found, durable, "cpu")
        assert durable.told[1:] == [("cancel", Run(asked, 1))]
        with found.write() as connection:
            job = ledger.job(connection, asked)
            assert job is not None
            assert (job.state, job.tries, job.work.queue) == ("queued", 1, "gpu")
            ledger.start(connection, asked, 2, "dead", now)
        durable.runs = [Run(asked, 2)]
        _sweep(found, durable, "gpu")
        assert durable.told[2:] == [("resume", Run(asked, 2))]
    finally:
        found.close()


def _ready(server: Server) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/readyz", timeout=5) as answer:
        return str(answer.read().decode())


def _job(found: Database, queue: str) -> sa.Row[tuple[object, ...]]:
    with found.read() as connection:
        (row,) = connection.execute(sa.select(JOBS).where(JOBS.c.queue == queue))
        return row


@pytest.mark.slow
def test_a_worker_with_a_gpu_dies(a_postgres: Postgres, comments: Comments) -> None:
    """Its job goes to nobody but another worker of its queue; what else there is of its repository goes on without."""
    url = a_postgres.database()
    server = Server(url, comments.url, free_port(), 0)
    processes = [server]

    def worker(queue: str, seconds: float = 0.0) -> Server:
        processes.append(Server(url, comments.url, 0, 1, seconds, queue))
        return processes[-1]

    found = Database(url)
    try:
        server.wait()
        worker("cpu")
        first = worker("gpu", 60.0)
        assert post(server.port, delivery("o/r", "a" * 40, queue="gpu")) == 202
        until(lambda: _job(found, "gpu").state == "running")
        assert f"-{first.process.pid}-" in _job(found, "gpu").executor
        assert post(server.port, delivery("o/r", "b" * 40, "refs/pr/1")) == 202
        first.kill()
        until(lambda: list(comments.made) == [f"o/r@{'b' * 40}"])
        assert _job(found, "gpu").state == "queued"
        until(lambda: "1 job waits in the gpu queue, and no worker listens to it" in _ready(server))

        second = worker("gpu", 60.0)
        until(
            lambda: _job(found, "gpu").state == "running" and f"-{second.process.pid}-" in _job(found, "gpu").executor
        )
        assert _ready(server) == "ok\n"
        third = worker("gpu")
        until(lambda: _listens(found, third))
        second.kill()
        until(lambda: comments.made[f"o/r@{'a' * 40}"])
        until(lambda: _job(found, "gpu").state == "finished")
        assert f"-{third.process.pid}-" in _job(found, "gpu").executor
        assert _job(found, "gpu").deaths == 1
        assert set(comments.made.values()) == {1}
    finally:
        found.close()
        for process in processes:
            process.kill()


def _listens(found: Database, server: Server) -> bool:
    with found.read() as connection:
        return any(f"-{server.process.pid}-" in name for name in connection.scalars(sa.select(EXECUTORS.c.name)))
