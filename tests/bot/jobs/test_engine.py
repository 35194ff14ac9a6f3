"""The engine on real databases and the real DBOS, in this process."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.jobs.conftest import FAST, Started, fine
from cpipe_bot.jobs.database import BadDatabase, Database, NoDatabase
from cpipe_bot.jobs.durable import APPLICATION_VERSION
from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.reconcile import reconcile
from cpipe_bot.jobs.work import Done, GiveUp, TryAgain, Work

PUSH = Work("model", "octo/pipe", "refs/heads/main", "a" * 40, "1", "push")


class Heard:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def queued(self, works: Sequence[Work]) -> None:
        self.told += [("queued", work.repo) for work in works]

    def running(self, work: Work) -> None:
        self.told.append(("running", work.repo))

    def finished(self, work: Work, done: Done, seconds: float) -> None:  # noqa: ARG002
        self.told.append(("superseded" if done.superseded else "finished", work.repo))

    def retrying(self, work: Work, why: str) -> None:
        self.told.append((f"retrying: {why}", work.repo))

    def dead(self, work: Work, why: str) -> None:
        self.told.append((f"dead: {why}", work.repo))


class Deaf(Heard):
    """A recorder that fails."""

    def running(self, work: Work) -> None:  # noqa: ARG002
        raise RuntimeError("the disk is full")


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def idle(engine: Engine) -> bool:
    counts = engine.counts()
    return not counts.get("queued") and not counts.get("running")


def test_what_becomes_of_work(database: str, start: Started) -> None:
    tries: Counter[str] = Counter()

    def handle(work: Work) -> Done:
        tries[work.repo] += 1
        match work.repo.partition("/")[2]:
            case "busy" if tries[work.repo] < 3:
                raise TryAgain("ask later")
            case "never":
                raise TryAgain("not today")
            case "gone":
                raise GiveUp("the repository is gone")
            case "odd":
                raise KeyError("an odd\nthing\x1b[31m")
            case "stale":
                return Done("neutral", "moved on", superseded=True)
        return Done("success", "fine")

    heard = Heard()
    policy = replace(FAST, tries=4)
    engine = start(database, handle, policy=policy, recorders=[Deaf(), heard])
    names = ("good", "busy", "never", "gone", "odd", "stale")
    stored = engine.submit([replace(PUSH, repo=f"o/{name}") for name in (*names, "good")])
    assert (len(stored.accepted), len(stored.duplicates)) == (6, 1)
    until(lambda: idle(engine))
    assert engine.counts() == {"finished": 2, "dead": 3, "superseded": 1}
    assert tries == {"o/good": 1, "o/busy": 3, "o/never": 4, "o/gone": 1, "o/odd": 3, "o/stale": 1}
    dead = {job.work.repo: job for job in engine.dead()}
    assert dead["o/gone"].reason == "the repository is gone"
    assert "\x1b" not in dead["o/odd"].reason
    assert "\n" not in dead["o/odd"].reason
    assert [what for what, repo in heard.told if repo == "o/busy"] == [
        "queued", "running", "retrying: ask later", "running", "retrying: ask later", "running", "finished"
    ]  # fmt: skip
    assert ("dead: the repository is gone", "o/gone") in heard.told

    assert engine.replay(dead["o/never"].id)
    assert not engine.replay(10**6)
    until(lambda: idle(engine))
    assert tries["o/never"] == 8


def test_one_of_a_repository_and_as_many_as_workers(database: str, start: Started) -> None:
    guard = threading.Lock()
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()

    def handle(work: Work) -> Done:
        with guard:
            now[work.repo] += 1
            most[work.repo] = max(most[work.repo], now[work.repo])
            most["all"] = max(most["all"], sum(now.values()))
        time.sleep(0.1)
        with guard:
            now[work.repo] -= 1
        return Done("success", "")

    engine = start(database, handle, workers=3)
    engine.submit(
        replace(PUSH, repo=f"o/r{repo}", ref=f"refs/pr/{number}") for number in range(1, 5) for repo in range(5)
    )
    until(lambda: idle(engine))
    assert engine.counts() == {"finished": 20}
    assert {most[f"o/r{repo}"] for repo in range(5)} == {1}
    assert 1 < most["all"] <= 3


def test_the_newest_commit_only(sqlite: str, start: Started) -> None:
    done: list[str] = []
    hold = threading.Event()

    def handle(work: Work) -> Done:
        hold.wait(30)
        done.append(work.sha[:1])
        return Done("success", "")

    engine = start(sqlite, handle)
    engine.submit([PUSH])
    until(lambda: engine.counts().get("running"))
    for sha in "bcd":
        engine.submit([replace(PUSH, sha=sha * 40)])
    hold.set()
    until(lambda: idle(engine))
    assert done == ["a", "d"]
    assert engine.counts() == {"finished": 2, "superseded": 2}


def test_an_owner_waits_and_loses_nothing(sqlite: str, start: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = start(sqlite, fine, policy=replace(FAST, owner_per_hour=3))
    engine.submit(replace(PUSH, repo=f"greedy/r{number}") for number in range(5))
    engine.submit([PUSH])
    until(lambda: engine.counts() == {"finished": 4, "queued": 2})
    real = time.time
    monkeypatch.setattr("cpipe_bot.jobs.database.time.time", lambda: real() + 3700)
    until(lambda: engine.counts() == {"finished": 6})


def test_the_wait_that_is_asked_for(sqlite: str, start: Started) -> None:
    at: list[float] = []

    def handle(work: Work) -> Done:
        at.append(time.monotonic())
        if len(at) == 1:
            raise TryAgain("in a second", 1.0)
        return Done("success", "")

    engine = start(sqlite, handle)
    engine.submit([PUSH])
    until(lambda: idle(engine))
    assert at[1] - at[0] >= 1.0


def test_waits() -> None:
    policy = replace(FAST, backoff=10.0, longest_wait=3600.0, asked_wait=7200.0)
    for tries in range(1, 40):
        waits = [policy.wait(tries, 0.0) for _ in range(50)]
        bound = min(3600.0, 10.0 * 2 ** (tries - 1))
        assert bound / 2 <= min(waits) < max(waits) <= bound
    assert policy.wait(1, 500.0) == 500.0
    assert policy.wait(1, 1e9) == 7200.0


def test_reconcile(sqlite: str, start: Started) -> None:
    engine = start(sqlite, fine)
    engine.submit([PUSH])
    heads = {
        "octo/pipe": [("refs/heads/main", "a" * 40), ("refs/pr/7", "b" * 40)],
        "octo/new": [("refs/pr/1", "c" * 40)],
    }

    def newest(repo: str) -> list[tuple[str, str]]:
        if repo == "octo/broken":
            raise TryAgain("the Hub does not answer")
        return heads[repo]

    assert reconcile(engine, ["octo/broken", *heads], newest, rules="1") == 2
    until(lambda: idle(engine))
    assert reconcile(engine, heads, newest, rules="1") == 0
    assert {(job.work.ref, job.work.discussion, job.work.trigger) for job in engine.jobs()} == {
        ("refs/heads/main", None, "push"), ("refs/pr/7", 7, "reconcile"), ("refs/pr/1", 1, "reconcile")
    }  # fmt: skip
    # Pushed by force, and back: what is there now was answered before something else was.
    heads["octo/pipe"][0] = ("refs/heads/main", "f" * 40)
    assert reconcile(engine, heads, newest, rules="1") == 1
    until(lambda: idle(engine))
    heads["octo/pipe"][0] = ("refs/heads/main", "a" * 40)
    assert reconcile(engine, heads, newest, rules="1") == 1
    until(lambda: idle(engine))
    assert reconcile(engine, heads, newest, rules="1") == 0
    # Forgetting what is long done has nothing done again.
    engine.policy = replace(FAST, keep=-10.0)
    engine.prune()
    assert reconcile(engine, heads, newest, rules="1") == 0


def test_prune_forgets_the_workflows_as_well(database: str, start: Started) -> None:
    engine = start(database, fine)
    engine.submit(replace(PUSH, sha=sha * 40, ref=f"refs/pr/{n}") for n, sha in enumerate("abc", 1))
    until(lambda: idle(engine))
    engine.submit(replace(PUSH, sha="z" * 40, ref=f"refs/pr/{n}") for n in range(1, 4))
    until(lambda: idle(engine))
    assert _workflows(engine)
    engine.policy = replace(FAST, keep=-10.0)
    assert engine.prune() == 3
    assert engine.counts() == {"finished": 3}
    assert not _workflows(engine)


def test_what_is_set_on_the_database(database: str, start: Started) -> None:
    """Each of DBOS's sharp edges: its version, its executor, pickle, and SQLite's journal."""
    engine = start(database, fine)
    engine.submit([PUSH])
    until(lambda: idle(engine))
    (row,) = _workflows(engine)
    assert row.application_version == APPLICATION_VERSION
    assert row.executor_id == engine.name != "local"
    assert row.serialization == "json"
    with engine.database.read() as connection:
        if engine.database.is_sqlite:
            assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
            assert connection.scalar(sa.text("PRAGMA synchronous")) == 2
        else:
            assert connection.scalar(sa.text("SHOW synchronous_commit")) == "on"


def test_what_is_running_is_finished_or_handed_back(sqlite: str, start: Started) -> None:
    hold = threading.Event()
    began: list[str] = []

    def handle(work: Work) -> Done:
        began.append(work.repo)
        if work.repo == "o/long" and len(began) < 3:
            hold.wait(30)
        else:
            time.sleep(0.5)
        return Done("success", "")

    engine = start(sqlite, handle)
    engine.submit([replace(PUSH, repo="o/long"), replace(PUSH, repo="o/short")])
    until(lambda: len(began) == 2)
    assert engine.close(2) == 1
    engine = start(sqlite, handle)
    until(lambda: idle(engine))
    assert sorted(began) == ["o/long", "o/long", "o/short"]
    assert engine.counts() == {"finished": 2}
    hold.set()


def test_a_run_without_a_record_is_done_again(sqlite: str, start: Started) -> None:
    """DBOS says it is over, and nothing of it was recorded: a step failed that does not fail."""
    engine = start(sqlite, fine)
    settle = engine._attempts.settle
    failures: list[int] = []

    def broken(*arguments: object) -> None:
        if not failures:
            failures.append(1)
            raise RuntimeError("the database went away")
        settle(*arguments)  # type: ignore[arg-type]

    engine.close(0)
    engine = Engine(sqlite, fine, policy=FAST)
    settle = engine._attempts.settle
    engine._attempts.settle = broken  # type: ignore[method-assign]
    engine.start()
    try:
        engine.submit([PUSH])
        until(lambda: idle(engine))
        assert failures
        assert engine.counts() == {"finished": 1}
    finally:
        engine.close(0)


def test_a_file_has_one_process(sqlite: str, start: Started) -> None:
    start(sqlite, fine)
    with pytest.raises(BadDatabase, match="another process"):
        Engine(sqlite, fine).start()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("jobs.sqlite", "is no URL"),
        ("sqlite://", "in memory"),
        ("mysql://u:hidden@h/n", "is no database of ours"),
        ("sqlite:////nowhere/at/all/jobs.sqlite", "is no directory"),
        ("postgresql://u:hidden@127.0.0.1:1/n", "cannot be used"),
    ],
)
def test_bad_databases(url: str, told: str) -> None:
    with pytest.raises(BadDatabase, match=told) as raised:
        Database(url).create()
    assert "hidden" not in str(raised.value)
    assert isinstance(raised.value, NoDatabase) == (told in {"is no URL", "in memory", "is no database of ours"})


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").write_text("not a database " * 100)
    with pytest.raises(BadDatabase, match="not a database"):
        Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}").create()


def _workflows(engine: Engine) -> list[sa.Row[tuple[object, ...]]]:
    table = "workflow_status" if engine.database.is_sqlite else "dbos.workflow_status"
    with engine.database.read() as connection:
        return list(connection.execute(sa.text(f"SELECT * FROM {table}")))
