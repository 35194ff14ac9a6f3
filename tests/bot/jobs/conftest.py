"""The databases and the engines of these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.jobs.comments import Comments
from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.policy import Policy
from cpipe_bot.jobs.work import Done, Handler, Work
from postgres import Postgres

FAST = Policy(backoff=0.05, poll=0.05, beat=0.3, silence=1.5, sweep=0.3, owner_per_hour=100_000)
Started = Callable[..., Engine]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    server: Postgres = request.getfixturevalue("a_postgres")
    return server.database()


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.sqlite'}"


@pytest.fixture
def comments() -> Iterator[Comments]:
    with Comments() as server:
        yield server


@pytest.fixture
def start() -> Iterator[Started]:
    """Start an engine, closed at the end; DBOS allows one a process at a time."""
    engines: list[Engine] = []

    def started(url: str, handler: Handler = fine, **options: object) -> Engine:
        engine = Engine(url, handler, **({"workers": 4, "policy": FAST} | options))  # type: ignore[arg-type]
        engine.start()
        engines.append(engine)
        return engine

    yield started
    for engine in engines:
        if not engine._stop.is_set():
            engine.close(5)


def fine(work: Work) -> Done:
    return Done("success", "fine")
