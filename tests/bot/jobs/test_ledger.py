"""Whose turn it is, what is forgotten, and what a process that was given up for dead may still change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.jobs.conftest import fine
from cpipe_bot.jobs import ledger
from cpipe_bot.jobs.attempt import Attempts
from cpipe_bot.jobs.database import JOBS, Database
from cpipe_bot.jobs.durable import Run
from cpipe_bot.jobs.inbox import Inbox, Stored
from cpipe_bot.jobs.policy import Policy
from cpipe_bot.jobs.recorder import Recorders
from cpipe_bot.jobs.work import Work

PUSH = Work("model", "octo/pipe", "refs/heads/main", "a" * 40, "1", "push")
FAR = 1e12


@pytest.fixture
def found(database: str) -> Iterator[Database]:
    opened = Database(database)
    opened.create()
    yield opened
    opened.close()


def _put(found: Database, *works: Work) -> list[int]:
    """Accept works, and return the ids of those that are new."""
    inbox = Inbox(found, lambda _: None)
    (stored,) = inbox.put([works]).result()
    assert isinstance(stored, Stored)
    accepted = stored.accepted
    inbox.close()
    with found.read() as connection:
        ids = {job.work.key: job.id for job in ledger.jobs(connection)}
    return [ids[work.key] for work in accepted]


def _start(connection: sa.Connection, id: int, run: int = 1, now: float = 1000.0) -> None:
    ledger.start(connection, id, run, "here", now)


def _states(connection: sa.Connection) -> dict[str, str]:
    return {job.work.sha[:1]: job.state for job in ledger.jobs(connection)}


def _turn(connection: sa.Connection, limit: int = 10, per_hour: int = 100, now: float = FAR) -> list[str]:
    return [job.work.sha[:1] for job in ledger.eligible(connection, now, limit, per_hour)]


def test_the_same_twice(found: Database) -> None:
    assert len(_put(found, PUSH, PUSH, replace(PUSH, trigger="reconcile"))) == 1
    assert _put(found, PUSH) == []
    assert len(_put(found, replace(PUSH, rules="2"), replace(PUSH, repo_type="dataset"))) == 2


def test_what_the_database_refuses_takes_no_other_with_it(found: Database) -> None:
    inbox = Inbox(found, lambda _: None)
    # PostgreSQL stores no NUL; SQLite does.
    odd, even = inbox.put([[replace(PUSH, sha="b" * 40, comment="\0")], [PUSH]]).result()
    inbox.close()
    assert isinstance(even, Stored)
    assert len(even.accepted) == 1
    assert isinstance(odd, Stored) == found.is_sqlite


def test_only_the_newest_commit_of_a_ref(found: Database) -> None:
    shas = "abcde"
    a, b, *_ = _put(
        found, *[replace(PUSH, sha=sha * 40) for sha in shas[:2]], replace(PUSH, sha="p" * 40, ref="refs/pr/1")
    )
    with found.write() as connection:
        assert [job.id for job in ledger.supersede(connection, FAR)] == [a]
        assert _states(connection) == {"a": "superseded", "b": "queued", "p": "queued"}
        assert ledger.supersede(connection, FAR) == []
        # One that runs is not stopped.
        _start(connection, b)
    _put(found, replace(PUSH, sha="c" * 40))
    with found.write() as connection:
        assert ledger.supersede(connection, FAR) == []
        assert _turn(connection) == []


def test_a_comment_is_answered_whatever_is_pushed(found: Database) -> None:
    _put(found, replace(PUSH, comment="c1"), replace(PUSH, sha="b" * 40), replace(PUSH, sha="c" * 40, comment="c2"))
    with found.write() as connection:
        assert ledger.supersede(connection, FAR) == []


def test_deliveries_in_the_wrong_order(found: Database) -> None:
    """The older commit came last, took the newer's place, and found when it ran that it is old."""
    newer, older = _put(found, replace(PUSH, sha="n" * 40), replace(PUSH, sha="o" * 40))
    with found.write() as connection:
        assert [job.id for job in ledger.supersede(connection, FAR)] == [newer]
        _start(connection, older)
        assert ledger.finish(connection, older, 1, FAR, "moved on", stale=True)
        assert _states(connection) == {"n": "queued", "o": "superseded"}
        _start(connection, newer)
        assert ledger.finish(connection, newer, 1, FAR, "fine")
        assert _states(connection) == {"n": "finished", "o": "superseded"}


def test_one_of_a_repository(found: Database) -> None:
    a, b = _put(found, PUSH, replace(PUSH, sha="b" * 40, ref="refs/pr/1"))
    _put(found, replace(PUSH, sha="d" * 40, repo_type="dataset"))
    with found.write() as connection:
        assert _turn(connection) == ["a", "d"]
        _start(connection, a)
        assert _turn(connection) == ["d"]
    # The database holds that by itself, whatever process asks.
    with pytest.raises(IntegrityError), found.write() as connection:
        _start(connection, b)
    with found.write() as connection:
        ledger.finish(connection, a, 1, FAR, "")
        assert _turn(connection) == ["b", "d"]


def test_an_owner_takes_no_more_than_their_share(found: Database) -> None:
    many = [replace(PUSH, repo=f"greedy/r{number}", sha="g" * 40) for number in range(20)]
    ids = _put(found, *many, replace(PUSH, sha="o" * 40))
    with found.write() as connection:
        now = 10_000.0
        connection.execute(sa.update(JOBS).values(due=0.0))
        assert _turn(connection, 30, 3, now) == ["g", "g", "g", "o"]
        for id in ids[:3]:
            _start(connection, id, 1, now)
            ledger.finish(connection, id, 1, now, "")
        # However many of theirs wait: others are not behind them.
        assert _turn(connection, 2, 3, now + 10) == ["o"]
        # And nothing of theirs is lost.
        assert _turn(connection, 30, 3, now + 3601) == ["g", "g", "g", "o"]


def test_what_waits_for_later(found: Database) -> None:
    (a,) = _put(found, PUSH)
    with found.write() as connection:
        _start(connection, a)
        assert ledger.put_back(connection, a, 1, 5000.0, "later")
        assert _turn(connection, now=4999.0) == []
        assert _turn(connection, now=5000.0) == ["a"]


def test_one_given_up_for_dead_changes_nothing(found: Database) -> None:
    (a,) = _put(found, PUSH)
    with found.write() as connection:
        _start(connection, a)
        ledger.put_back(connection, a, 1, 0.0, "its process ended")
        assert not ledger.finish(connection, a, 1, FAR, "late")
        _start(connection, a, 2)
        assert not ledger.finish(connection, a, 1, FAR, "late")
        assert not ledger.bury(connection, a, 1, FAR, "late")
        assert not ledger.put_back(connection, a, 1, FAR, "late")
        assert ledger.finish(connection, a, 2, FAR, "in time")


def test_replay(found: Database) -> None:
    (a,) = _put(found, PUSH)
    with found.write() as connection:
        assert not ledger.replay(connection, a, 0.0)
        _start(connection, a)
        assert ledger.bury(connection, a, 1, FAR, "no")
        assert ledger.replay(connection, a, 0.0)
        assert not ledger.replay(connection, a, 0.0)
        job = ledger.job(connection, a)
        assert job is not None
        assert (job.state, job.tries, job.run) == ("queued", 0, 1)


def test_prune(found: Database) -> None:
    ids = _put(found, *[replace(PUSH, sha=sha * 40) for sha in "abcd"], replace(PUSH, sha="e" * 40, repo="octo/other"))
    a, b, c, _, e = ids
    with found.write() as connection:
        for id, ended in ((a, 100.0), (b, 200.0), (e, 50.0)):
            _start(connection, id)
            ledger.finish(connection, id, 1, ended, "")
        _start(connection, c)
        ledger.bury(connection, c, 1, 60.0, "no")
        assert ledger.prune(connection, 150.0) == 1
        # The newest of a ref stays, and so does what is dead or has yet to run.
        assert _states(connection) == {"b": "finished", "c": "dead", "d": "queued", "e": "finished"}
    # Known for as long as its row is there, and no longer.
    assert len(_put(found, replace(PUSH, sha="b" * 40))) == 0
    assert len(_put(found, PUSH)) == 1


def test_a_ref_that_comes_back(found: Database) -> None:
    a, b = _put(found, PUSH, replace(PUSH, sha="b" * 40))
    with found.write() as connection:
        for id in (a, b):
            _start(connection, id)
            ledger.finish(connection, id, 1, FAR, "")
        ledger.forget_earlier(connection, [PUSH.key, replace(PUSH, sha="b" * 40).key])
        assert _states(connection) == {"b": "finished"}


def test_a_job_that_ends_its_processes(found: Database) -> None:
    """It is gone on with once, then waits longer and longer, and is left to a person in the end."""
    attempts = Attempts(found, fine, Policy(deaths=4, backoff=100), Recorders([]), lambda: None)
    (id,) = _put(found, PUSH)
    waits = []
    for number in (1, 2, 3):
        with found.write() as connection:
            now = found.now(connection)
            _start(connection, id, number, now)
        assert attempts.take_over(Run(id, number), "next") == (number == 1)
        if number == 1:
            assert not attempts.take_over(Run(id, number), "next but one")
        with found.read() as connection:
            job = ledger.job(connection, id)
        assert job is not None
        waits.append((job.state, round(job.due - now, -1)))
    assert [state for state, _ in waits] == ["queued", "queued", "dead"]
    assert 50 <= waits[0][1] <= 110
    assert 100 <= waits[1][1] <= 210
    assert job.reason == "4 processes ended while it ran"
