"""`cpipe-bot serve`, `worker` and `jobs` as processes: what is wrong is said, and workers stand in for one another."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.jobs.comments import Comments
from bot.jobs.conftest import Started, fine
from bot.jobs.server import Server, delivery, free_port, post
from bot.jobs.test_engine import PUSH, idle, until
from cpipe_bot.jobs.database import EXECUTORS, JOBS, Database
from cpipe_bot.jobs.work import Done, GiveUp, Work
from postgres import Postgres

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("CPIPE_", "HF_"))}
SECRET = {"CPIPE_WEBHOOK_SECRET": "sixteen characters"}


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cpipe_bot", *arguments]
    return subprocess.run(command, env=CLEAN | environment, capture_output=True, text=True, check=False, timeout=120)


def test_two_workers_and_one_dies(a_postgres: Postgres, comments: Comments) -> None:
    """A server without workers, and two workers that are at long jobs when one of them is killed."""
    url = a_postgres.database()
    server = Server(url, comments.url, free_port(), 0)
    server.wait()
    workers = [Server(url, comments.url, 0, 3, 1.0) for _ in range(2)]
    found = Database(url)
    try:
        _until_alive(found, 3)
        for number in range(18):
            assert post(server.port, delivery(f"o/r{number}")) == 202
        until(lambda: _running_in(found, workers[0].process.pid))
        workers[0].kill()
        until(lambda: len(comments.made) == 18)
        assert set(comments.made.values()) == {1}
        with found.read() as connection:
            assert connection.scalar(sa.select(sa.func.max(JOBS.c.deaths))) == 1
        assert [workers[1].stop(), server.stop()] == [0, 0]
    finally:
        found.close()
        for process in (*workers, server):
            process.kill()


def _running_in(found: Database, pid: int) -> bool:
    with found.read() as connection:
        return any(f"-{pid}-" in name for name in connection.scalars(sa.select(JOBS.c.executor)))


def _until_alive(found: Database, number: int) -> None:
    def alive() -> bool:
        with found.read() as connection:
            return len(connection.execute(EXECUTORS.select()).all()) == number

    until(alive)


def test_stopping_hands_back(sqlite: str, comments: Comments) -> None:
    """SIGTERM while a job is on that takes longer than the server waits: the next one does it."""
    port = free_port()
    server = Server(sqlite, comments.url, port, 2, 6.0)
    server.wait()
    assert post(port, delivery("o/long")) == 202
    time.sleep(1.5)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 30
    assert comments.made == {}
    server = Server(sqlite, comments.url, port, 2, 0.0)
    try:
        until(lambda: comments.made)
        assert server.stop() == 0
    finally:
        server.kill()
    assert list(comments.made.values()) == [1]


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "told"),
    [
        (["serve"], {}, 2, "set CPIPE_WEBHOOK_SECRET"),
        (["serve"], {"CPIPE_WEBHOOK_SECRET": "short"}, 2, "at least 16 characters"),
        (["serve", "--port", "0"], SECRET, 2, "Invalid value for '--port'"),
        (["serve", "--workers", "-1"], SECRET, 2, "Invalid value for '--workers'"),
        (["worker"], {}, 2, "share no SQLite file"),
        (["jobs", "list", "--data", "nowhere"], {}, 3, "has no jobs"),
        (["jobs", "dead", "--database", "no url"], {}, 2, "is no URL"),
        (["jobs", "dead", "--database", "mysql://u:hidden@h/n"], {}, 2, "is no database of ours"),
        (["jobs", "dead"], {"CPIPE_DATABASE": "postgresql://u:hidden@127.0.0.1:1/n"}, 3, "cannot be used"),
        (["jobs", "replay"], {}, 2, "Missing argument"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str],
    environment: dict[str, str],
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = _run(*arguments, **environment)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "hidden" not in done.stderr


def test_a_taken_port(sqlite: str, comments: Comments) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Server(sqlite, comments.url, taken.getsockname()[1])
        assert server.process.wait(60) != 0
        assert "cannot be had" in server.log()


def test_jobs(start: Started, tmp_path: Path) -> None:
    def handle(work: Work) -> Done:
        if work.repo == "o/bad":
            raise GiveUp("the token may not\x1b[31m")
        return fine(work)

    engine = start(f"sqlite:///{tmp_path / 'jobs.sqlite'}", handle)
    engine.submit([PUSH, Work("model", "o/bad", "refs/pr/3", "b" * 40, "1", "pull request", 3)])
    until(lambda: idle(engine))
    (dead,) = engine.dead()
    where = ("--data", str(tmp_path))
    listed = _run("jobs", "list", *where)
    assert listed.returncode == 0
    assert len(listed.stdout.splitlines()) == 2
    shown = _run("jobs", "dead", *where)
    assert (shown.returncode, "\x1b" in shown.stdout) == (1, False)
    assert "o/bad  refs/pr/3  bbbbbbbbbbbb  the token may not" in shown.stdout
    replayed = _run("jobs", "replay", *where, str(dead.id), "999")
    assert (replayed.returncode, replayed.stdout, "not dead: 999" in replayed.stderr) == (3, "replayed: 1\n", True)
    until(lambda: engine.dead() and engine.dead()[0].run == 2)
    pruned = _run("jobs", "prune", *where, "--days", "0")
    assert (pruned.returncode, pruned.stdout) == (0, "forgotten: 0\n"), pruned.stderr
