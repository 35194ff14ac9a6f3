"""The commands `cpipe-bot serve`, `cpipe-bot worker` and `cpipe-bot jobs ...`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cpipe_bot.cli_parts import SMOKE_ON, Failed
from cpipe_bot.jobs.work import QUEUES, Queue
from cpipe_check.text import clean_line

if TYPE_CHECKING:
    from cpipe_bot.jobs.database import Database
    from cpipe_bot.jobs.hub import Hub
    from cpipe_bot.jobs.ledger import Job, State

F = TypeVar("F", bound=Callable[..., object])
_DATA = "cpipe-data"
_STATES = ("queued", "running", "finished", "superseded", "dead")


def _where(command: F) -> F:
    """Add the options that say where the jobs are."""
    data = click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=_DATA,
        show_default=True,
        help="The directory of the SQLite file with the jobs.",
    )
    database = click.option(
        "--database",
        envvar="CPIPE_DATABASE",
        metavar="URL",
        help="postgresql://USER:PASSWORD@HOST/NAME in place of it. Default: CPIPE_DATABASE.",
    )
    return data(database(command))


_QUEUE = click.option(
    "--queue",
    type=click.Choice(["cpu", "gpu", "all"]),
    default="all",
    show_default=True,
    help="Which jobs to do here: gpu are those of `/cpipe-check gpu`, where CPIPE_GPU or CPIPE_JOB_GPU_FLAVOR says so.",
)


@click.command()
@_where
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 for everybody.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(min=0), default=2, show_default=True, help="Jobs at a time; 0: none here."
)
@_QUEUE
@SMOKE_ON
@click.option("--secret", envvar="CPIPE_WEBHOOK_SECRET", hidden=True, default="")
@click.option("--metrics-token", envvar="CPIPE_METRICS_TOKEN", hidden=True, default="")
@click.option("--dashboard-token", envvar="CPIPE_DASHBOARD_TOKEN", hidden=True, default="")
def serve(
    data: Path,
    database: str | None,
    host: str,
    port: int,
    workers: int,
    queue: str,
    smoke_on: str | None,
    secret: str,
    metrics_token: str,
    dashboard_token: str,
) -> None:
    """Accept the Hub's webhook at /webhooks/hub, and do what was accepted.

    CPIPE_WEBHOOK_SECRET is the webhook's secret, 16 characters or more. /metrics is for this machine, or for whoever
    has the token CPIPE_METRICS_TOKEN; / shows what was checked, and CPIPE_DASHBOARD_TOKEN allows replaying there.
    SIGTERM has it take no more, finish what is running or hand it back, and end.
    """
    with _told():
        from cpipe_bot.hub.webhook import checked_secret
        from cpipe_bot.jobs.hub import from_environment
        from cpipe_bot.jobs.serving import Process
        from cpipe_bot.jobs.serving import serve as run

        checked_secret(secret)
        hub = from_environment(smoke_on)
        queues = _queues(queue, hub)
        where = _url(data, database)
        run(Process(where, workers, host, port, secret, metrics_token, dashboard_token, queues=queues), hub)


@click.command()
@_where
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Jobs at a time.")
@_QUEUE
@SMOKE_ON
def worker(data: Path, database: str | None, workers: int, queue: str, smoke_on: str | None) -> None:
    """Do jobs of a database that several processes share, on this machine or on others."""
    if not database:
        raise click.UsageError("several processes share no SQLite file; give --database postgresql://...")
    with _told():
        from cpipe_bot.jobs.hub import from_environment
        from cpipe_bot.jobs.serving import Process, work

        hub = from_environment(smoke_on)
        work(Process(_url(data, database), workers, queues=_queues(queue, hub)), hub)


@click.group()
def jobs() -> None:
    """Look at the jobs, and have dead ones tried again; while the server runs, too."""


@jobs.command("list")
@_where
@click.option("--state", type=click.Choice(_STATES), help="Only these.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
def list_(data: Path, database: str | None, state: State | None, limit: int) -> None:
    """Show the newest jobs."""
    from cpipe_bot.jobs import ledger

    with _database(data, database) as found, found.read() as connection:
        _show(ledger.jobs(connection, state, limit))


@jobs.command()
@_where
def dead(data: Path, database: str | None) -> None:
    """Show the jobs that were given up, and why. Ends with 1 when there are any."""
    from cpipe_bot.jobs import ledger

    with _database(data, database) as found, found.read() as connection:
        rows = ledger.jobs(connection, "dead", 1000)
    _show(rows)
    sys.exit(1 if rows else 0)


@jobs.command()
@_where
@click.argument("ids", type=int, nargs=-1, required=True, metavar="ID...")
def replay(data: Path, database: str | None, ids: tuple[int, ...]) -> None:
    """Have dead jobs tried again as if they were new."""
    from cpipe_bot.jobs import ledger

    with _database(data, database) as found, found.write() as connection:
        now = found.now(connection)
        missing = [id for id in ids if not ledger.replay(connection, id, now)]
    click.echo(f"replayed: {len(ids) - len(missing)}")
    if missing:
        raise Failed(f"not dead: {', '.join(map(str, missing))}")


@jobs.command()
@_where
@click.option("--days", type=click.FloatRange(min=0), default=7.0, show_default=True)
def prune(data: Path, database: str | None, days: float) -> None:
    """Forget jobs that were finished more than some days ago. The server does that every hour."""
    from cpipe_bot.jobs.engine import forget

    with _database(data, database) as found:
        click.echo(f"forgotten: {forget(found, days * 86_400)}")


def _queues(asked: str, hub: Hub) -> tuple[Queue, ...]:
    """The queues that this process can do the jobs of."""
    if asked == "gpu" and not hub.has_gpu:
        raise click.UsageError(
            "--queue gpu needs a GPU; set CPIPE_GPU=1, or CPIPE_JOB_GPU_FLAVOR for Hugging Face Jobs"
        )
    return tuple(queue for queue in QUEUES if asked in (queue, "all") and (queue == "cpu" or hub.has_gpu))


def _url(data: Path, database: str | None) -> str:
    if database:
        return database
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failed(f"{data} cannot be made: {error.strerror}") from None
    return f"sqlite:///{data / 'jobs.sqlite'}"


@contextmanager
def _database(data: Path, database: str | None) -> Iterator[Database]:
    if not database and not (data / "jobs.sqlite").exists():
        raise Failed(f"{data} has no jobs; give --data or --database as for `cpipe-bot serve`")
    with _told():
        from cpipe_bot.jobs.database import Database

        found = Database(_url(data, database))
        found.create()
        try:
            yield found
        finally:
            found.close()


@contextmanager
def _told() -> Iterator[None]:
    """Tell what can go wrong in one line: 2 for what was asked for wrongly, 3 for what cannot be done."""
    try:
        import dbos  # noqa: F401
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise Failed(f"the package {error.name} is missing; pip install 'cpipe-check[bot]'") from None
    from sqlalchemy.exc import SQLAlchemyError

    from cpipe_bot.hub.webhook import WeakSecret
    from cpipe_bot.jobs.database import BadDatabase, NoDatabase, reason
    from cpipe_bot.jobs.serving import CannotServe
    from cpipe_bot.jobs.work import GiveUp, TryAgain

    try:
        yield
    except WeakSecret as error:
        raise click.UsageError(f"{error}; set CPIPE_WEBHOOK_SECRET") from None
    except NoDatabase as error:
        raise click.UsageError(str(error)) from None
    except (BadDatabase, CannotServe, GiveUp, TryAgain) as error:
        raise Failed(str(error)) from None
    except SQLAlchemyError as error:
        raise Failed(f"the database failed: {reason(error)}") from None


def _show(rows: list[Job]) -> None:
    for row in rows:
        when = datetime.fromtimestamp(row.ended or row.accepted, timezone.utc).isoformat(" ", "seconds")[:19]
        work = row.work
        told = f"{row.id:>7}  {row.state:<10}  {work.queue}  {when}  {work.repo}  {work.ref}  {work.sha[:12]}"
        click.echo(clean_line(f"{told}  {row.reason}").rstrip())
