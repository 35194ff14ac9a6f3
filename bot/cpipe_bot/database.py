"""The tables of what was checked, in the database that the jobs are in: SQLite on one machine, Postgres for many."""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable

_METADATA = sa.MetaData()

RUNS = sa.Table(
    "cpipe_runs",
    _METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("repo_type", sa.String(8), nullable=False),
    sa.Column("repo", sa.String(200), nullable=False),
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("sha", sa.String(64), nullable=False),
    sa.Column("trigger", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("conclusion", sa.String(16)),
    sa.Column("headline", sa.Text, nullable=False),
    # Milliseconds since 1970, which both databases compare alike.
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("started", sa.BigInteger),
    sa.Column("finished", sa.BigInteger),
    sa.Column("seconds", sa.Float),
    sa.Column("discussion", sa.BigInteger),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("files", sa.Text, nullable=False),
    sa.Index("cpipe_runs_created", "created", "id"),
    sa.Index("cpipe_runs_repo", "repo", "created"),
    sa.Index("cpipe_runs_state", "state", "created"),
)

# Apart, so that a list of runs does not read them. Both are compressed.
REPORTS = sa.Table(
    "cpipe_reports",
    _METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.Column("page", sa.LargeBinary, nullable=False),
)

_LOCK = 0x63706970


def connect(url: str) -> sa.Engine:
    """Return an engine for `sqlite:///FILE` or `postgresql://...`; nothing is opened yet.

    Raises:
        ValueError: for any other database.
    """
    parsed = sa.make_url(url)
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if kind != "sqlite":
        raise ValueError(f"the database is SQLite or Postgres, not {kind}")
    engine = sa.create_engine(parsed, connect_args={"timeout": 30})
    # With WAL that is safe from a killed process, and from a power cut but for the last moments.
    sa.event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=NORMAL"))
    return engine


def create_tables(engine: sa.Engine) -> None:
    """Create what is missing of the tables; several processes may do so at once."""
    if engine.dialect.name == "sqlite":
        _write_ahead(engine)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # `IF NOT EXISTS` alone fails when two look at the same moment.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        for table in _METADATA.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))


def _write_ahead(engine: sa.Engine) -> None:
    """Let readers and a writer work side by side. The change is refused while another process makes it."""
    for attempt in range(50):
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except OperationalError:
            if attempt == 49:
                raise
            time.sleep(0.1)
