"""Stores on both databases, and the dashboard over one that is filled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the dashboard is in the bot extra")
pytest.importorskip("fastapi", reason="the dashboard is in the bot extra")

import sqlalchemy as sa

from cpipe_bot.store import Runs, connect
from dashboard.demo import Queue, application, fill, served


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine on an empty database."""
    if request.param == "sqlite":
        made = connect(f"sqlite:///{tmp_path / 'cpipe.sqlite'}")
    else:
        made = connect(request.getfixturevalue("a_postgres").database())
    yield made
    made.dispose()


@pytest.fixture
def runs(engine: sa.Engine) -> Runs:
    return Runs(engine)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Runs]:
    """An empty store on SQLite, for tests of the pages."""
    engine = connect(f"sqlite:///{tmp_path / 'small.sqlite'}")
    yield Runs(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Runs, Queue]]:
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('filled') / 'cpipe.sqlite'}")
    runs = Runs(engine)
    yield runs, fill(runs, engine)
    engine.dispose()


@pytest.fixture(scope="session")
def site(filled: tuple[Runs, Queue]) -> Iterator[str]:
    """The address of the dashboard over the demonstration's runs, for tests that change nothing."""
    with served(application(*filled)) as url:
        yield url
