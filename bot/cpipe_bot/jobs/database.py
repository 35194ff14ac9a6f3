"""The database that the jobs are in: a SQLite file, or PostgreSQL for many machines, by the same statements."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from cpipe_check.text import clean_line

METADATA = sa.MetaData()
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A row is a piece of work that was accepted. `run` counts how often it was handed to DBOS, where each has a workflow of
# its own, and `executor` is the process it was handed to; `tries` and `deaths` count toward the bounds. Times are
# seconds since the epoch, by the database's clock. A column that came later has a default, which is what the rows of
# before get.
JOBS = sa.Table(
    "cpipe_jobs",
    METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("repo_type", sa.Text, nullable=False),
    sa.Column("repo", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("queue", sa.Text, nullable=False, server_default="cpu"),
    sa.Column("work", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("executor", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False),
    sa.Column("accepted", sa.Float, nullable=False),
    sa.Column("due", sa.Float, nullable=False),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
    sa.Column("superseded_by", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
_RUNNING = JOBS.c.state == "running"
sa.Index("cpipe_jobs_state", JOBS.c.state, JOBS.c.due)
sa.Index("cpipe_jobs_ref", JOBS.c.repo_type, JOBS.c.repo, JOBS.c.ref)
sa.Index("cpipe_jobs_owner", JOBS.c.owner, JOBS.c.started)
sa.Index("cpipe_jobs_superseded", JOBS.c.superseded_by)
# The database itself sees to it that a repository has at most one running job.
sa.Index(
    "cpipe_jobs_one_running",
    JOBS.c.repo_type,
    JOBS.c.repo,
    unique=True,
    sqlite_where=_RUNNING,
    postgresql_where=_RUNNING,
)

# A row is a process that runs jobs of the `queues` (with blanks between them), or only accepts them (`workers` 0 and no
# queue); one that stopped beating is dead.
EXECUTORS = sa.Table(
    "cpipe_executors",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("workers", sa.Integer, nullable=False),
    sa.Column("queues", sa.Text, nullable=False, server_default=""),
    sa.Column("beat", sa.Float, nullable=False),
)

# What the processes on one PostgreSQL take turns in.
SETUP, HAND_OVER, SWEEP = 0x63_70_01, 0x63_70_02, 0x63_70_03


class BadDatabase(Exception):
    """A database that cannot be used, for a reason that is one line; it never has the password."""


class NoDatabase(BadDatabase):
    """An address that is none of a database that jobs can be in."""


class Database:
    """Connections to one database, with what keeps an accepted job through `kill -9` and a power cut set on each."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writing: threading.Lock | nullcontext[None] = threading.Lock() if self.is_sqlite else nullcontext()

    def create(self) -> None:
        """Make the tables that are missing, and in those of an older version the columns.

        Raises:
            BadDatabase: when the database cannot be reached or written.
        """
        try:
            with self.write(SETUP) as connection:
                METADATA.create_all(connection)
                _add_columns(connection)
        except SQLAlchemyError as error:
            raise BadDatabase(f"{self.name} cannot be used: {reason(error)}") from None

    @contextmanager
    def write(self, turn: int | None = None) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction that is committed, and on disk, when the block ends.

        SQLite has one writer; threads that wait for each other by its busy timeout wait ten times as long as by a lock.
        On PostgreSQL `turn` makes other processes with the same number wait until the end.
        """
        with self._writing, self.engine.begin() as connection:
            if turn is not None and not self.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(turn)))
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield a connection to read from."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def alone(self, turn: int) -> Iterator[bool]:
        """Yield whether no other process is in such a block with the same number now."""
        if self.is_sqlite:
            yield True
            return
        with self.engine.connect() as connection:
            got = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(turn))))
            try:
                yield got
            finally:
                if got:
                    connection.execute(sa.select(sa.func.pg_advisory_unlock(turn)))

    def now(self, connection: sa.Connection) -> float:
        """Return the time by the database's clock, since those of several machines differ."""
        if self.is_sqlite:
            return time.time()
        return float(connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())")) or 0.0)

    @property
    def name(self) -> str:
        """The address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The SQLite file."""
        return Path(self.engine.url.database or "") if self.is_sqlite else None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _add_columns(connection: sa.Connection) -> None:
    for table in METADATA.sorted_tables:
        there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                added = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {added}"))


def reason(error: Exception) -> str:
    """Return the first line of what a database's error says."""
    told = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return clean_line(told.splitlines()[0], 300)


def _engine(text: str) -> sa.Engine:
    try:
        url = sa.make_url(text)
    except SQLAlchemyError:
        raise NoDatabase(
            "the database is no URL; write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    match url.get_backend_name():
        case "sqlite" if url.database and url.database != ":memory:":
            return _sqlite(url)
        case "postgresql" | "postgres":
            return sa.create_engine(
                url.set(drivername="postgresql+psycopg"),
                pool_size=20,
                pool_pre_ping=True,
                connect_args={"connect_timeout": 10},
            )
        case "sqlite":
            raise NoDatabase("a database in memory loses all jobs; write sqlite:///FILE")
        case other:
            raise NoDatabase(
                f"{clean_line(other, 40)!r} is no database of ours; sqlite:///FILE and postgresql://... are"
            )


def _sqlite(url: sa.URL) -> sa.Engine:
    directory = Path(url.database or "").parent
    if not directory.is_dir():
        raise BadDatabase(f"{clean_line(str(directory), 300)} is no directory")
    engine = sa.create_engine(url.set(drivername="sqlite"), pool_size=20, connect_args={"check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def settings(connection: Any, _: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
