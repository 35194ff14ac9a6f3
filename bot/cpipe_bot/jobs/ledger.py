"""The rows of the jobs: which may run now, what became of one, and what is left to a person.

Every function takes a connection, and changes nothing but rows; a run's outcome counts only as long as that run is the
row's, so that a process which was given up for dead changes nothing when it comes back.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from cpipe_bot.jobs.database import EXECUTORS, JOBS
from cpipe_bot.jobs.work import QUEUES, Queue, Waiting, Work
from cpipe_check.text import CleanText, clean_line

State = Literal["queued", "running", "finished", "superseded", "dead"]
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Job:
    """A row. `run` is the number of the run that it is at; `tries` are those that failed since it was last replayed."""

    id: int
    work: Work
    state: State
    run: int
    tries: int
    deaths: int
    accepted: float
    due: float
    ended: float | None
    reason: CleanText


def jobs(connection: sa.Connection, state: State | None = None, limit: int = 100) -> list[Job]:
    """Return the newest rows, in `state` where one is given."""
    query = sa.select(JOBS).order_by(JOBS.c.id.desc()).limit(limit)
    return [_job(row) for row in connection.execute(query if state is None else query.where(JOBS.c.state == state))]


def job(connection: sa.Connection, id: int) -> Job | None:
    """Return a row."""
    row = connection.execute(sa.select(JOBS).where(JOBS.c.id == id)).first()
    return None if row is None else _job(row)


def counts(connection: sa.Connection) -> dict[str, int]:
    """Return how many rows are in each state."""
    counted = connection.execute(sa.select(JOBS.c.state, sa.func.count()).group_by(JOBS.c.state))
    return {row[0]: row[1] for row in counted}


def supersede(connection: sa.Connection, now: float) -> list[Job]:
    """Take out what waits for an older commit of a ref than another that waits, and return it.

    What a comment asked for is never taken out: somebody waits for its answer.
    """
    newer = JOBS.alias("newer")
    newest = (
        sa.select(sa.func.max(newer.c.id))
        .where(newer.c.repo_type == JOBS.c.repo_type, newer.c.repo == JOBS.c.repo, newer.c.ref == JOBS.c.ref)
        .where(newer.c.state == "queued", newer.c.comment == "")
        .scalar_subquery()
    )
    old = sa.update(JOBS).where(JOBS.c.state == "queued", JOBS.c.comment == "", JOBS.c.id < newest)
    done = old.values(state="superseded", superseded_by=newest, ended=now, reason="a newer commit came")
    return [_job(row) for row in connection.execute(done.returning(*JOBS.c))]


def eligible(
    connection: sa.Connection, now: float, limit: int, per_hour: int, queues: Collection[Queue] = QUEUES
) -> list[Job]:
    """Return up to `limit` jobs of the `queues` that may start now, the longest accepted first.

    One of each repository that has none running in any queue, and of each owner as many as the hour has left.
    """
    if limit <= 0:
        return []
    started = _started_by_owner(connection, now - HOUR)
    busy = JOBS.alias("busy")
    running = sa.exists().where(
        busy.c.repo_type == JOBS.c.repo_type, busy.c.repo == JOBS.c.repo, busy.c.state == "running"
    )
    waiting = sa.select(sa.func.min(JOBS.c.id).label("id"), JOBS.c.owner).where(
        JOBS.c.state == "queued", JOBS.c.queue.in_(queues), JOBS.c.due <= now, ~running
    )
    full = [owner for owner, number in started.items() if number >= per_hour]
    if full:
        waiting = waiting.where(JOBS.c.owner.not_in(full))
    waiting = waiting.group_by(JOBS.c.repo_type, JOBS.c.repo, JOBS.c.owner).order_by("id").limit(limit)
    chosen = []
    for id, owner in connection.execute(waiting).all():
        started[owner] = started.get(owner, 0) + 1
        if started[owner] <= per_hour:
            chosen.append(id)
    rows = connection.execute(sa.select(JOBS).where(JOBS.c.id.in_(chosen)).order_by(JOBS.c.id))
    return [_job(row) for row in rows]


def start(connection: sa.Connection, id: int, run: int, executor: str, now: float) -> None:
    """Make a queued job the running one of its repository, as run number `run`, in the process `executor`."""
    running = sa.update(JOBS).where(JOBS.c.id == id, JOBS.c.state == "queued")
    connection.execute(running.values(state="running", run=run, executor=executor, started=now, reason=""))


def take_over(connection: sa.Connection, id: int, run: int, executor: str) -> int:
    """Make a run that of another process, since its own ended, and return how many have ended while it was on."""
    taken = _of(id, run).values(executor=executor, deaths=JOBS.c.deaths + 1).returning(JOBS.c.deaths)
    return int(connection.execute(taken).scalar() or 0)


def running_in(connection: sa.Connection, executor: str) -> int:
    """Return how many jobs a process is at."""
    busy = sa.select(sa.func.count()).where(JOBS.c.state == "running", JOBS.c.executor == executor)
    return int(connection.scalar(busy) or 0)


def finish(connection: sa.Connection, id: int, run: int, now: float, reason: str, *, stale: bool = False) -> bool:
    """Record that a run is done, and return whether it was still the job's.

    A `stale` one found that its ref had moved on. Deliveries come in any order, so what gave way to it may be the
    newest after all, and waits again.
    """
    state = "superseded" if stale else "finished"
    ended = connection.execute(_of(id, run).values(state=state, ended=now, reason=reason)).rowcount == 1
    if ended and stale:
        again = sa.update(JOBS).where(JOBS.c.superseded_by == id, JOBS.c.state == "superseded")
        connection.execute(again.values(state="queued", due=now, ended=None, superseded_by=None, reason=""))
    return ended


def put_back(connection: sa.Connection, id: int, run: int, due: float, reason: str) -> bool:
    """Have a run tried again after `due`, and return whether it was still the job's."""
    back = _of(id, run).values(state="queued", tries=JOBS.c.tries + 1, due=due, reason=reason)
    return connection.execute(back).rowcount == 1


def bury(connection: sa.Connection, id: int, run: int, now: float, reason: str) -> bool:
    """Give a run up, and return whether it was still the job's. It stays until `replay`."""
    dead = _of(id, run).values(state="dead", tries=JOBS.c.tries + 1, ended=now, reason=reason)
    return connection.execute(dead).rowcount == 1


def replay(connection: sa.Connection, id: int, now: float) -> bool:
    """Have a dead job tried as if it were new, and return whether there was one."""
    again = sa.update(JOBS).where(JOBS.c.id == id, JOBS.c.state == "dead")
    values = {"state": "queued", "tries": 0, "deaths": 0, "due": now, "ended": None, "reason": ""}
    return connection.execute(again.values(**values)).rowcount == 1


def prune(connection: sa.Connection, before: float) -> int:
    """Forget what was finished before `before`, and return how many that were.

    Until then a row is what a delivery that comes twice is known by. The last one of each ref stays, or a look at
    the refs of all repositories would check every one of them anew; the dead stay until they are replayed.
    """
    newer = JOBS.alias("newer")
    last = sa.select(sa.func.max(newer.c.id)).where(
        newer.c.repo_type == JOBS.c.repo_type, newer.c.repo == JOBS.c.repo, newer.c.ref == JOBS.c.ref
    )
    old = sa.delete(JOBS).where(
        JOBS.c.state.in_(["finished", "superseded"]), JOBS.c.ended < before, JOBS.c.id < last.scalar_subquery()
    )
    return connection.execute(old).rowcount


def forget_earlier(connection: sa.Connection, keys: Sequence[str]) -> None:
    """Forget what was done for a commit that its ref has come back to, after others: it is to be checked again."""
    later = JOBS.alias("later")
    left = sa.exists().where(
        later.c.repo_type == JOBS.c.repo_type,
        later.c.repo == JOBS.c.repo,
        later.c.ref == JOBS.c.ref,
        later.c.id > JOBS.c.id,
        later.c.comment == "",
    )
    done = JOBS.c.state.in_(["finished", "superseded"])
    connection.execute(sa.delete(JOBS).where(JOBS.c.key.in_(keys), done, left))


def beat(connection: sa.Connection, name: str, workers: int, now: float, queues: Collection[Queue] = QUEUES) -> None:
    """Say that a process lives, and which queues it listens to."""
    values = {"workers": workers, "queues": " ".join(queues) if workers else "", "beat": now}
    known = sa.update(EXECUTORS).where(EXECUTORS.c.name == name)
    if connection.execute(known.values(**values)).rowcount == 0:
        connection.execute(sa.insert(EXECUTORS).values(name=name, **values))


def leave(connection: sa.Connection, name: str) -> None:
    """Take a process out: its jobs may be taken over."""
    connection.execute(sa.delete(EXECUTORS).where(EXECUTORS.c.name == name))


def forget_executors(connection: sa.Connection, before: float) -> None:
    """Take out the processes that were last heard of before `before`."""
    connection.execute(sa.delete(EXECUTORS).where(EXECUTORS.c.beat < before))


def heard_of(connection: sa.Connection, since: float) -> frozenset[str]:
    """Return the processes that have been heard of since then."""
    return frozenset(connection.execute(sa.select(EXECUTORS.c.name).where(EXECUTORS.c.beat > since)).scalars())


def listened(connection: sa.Connection, since: float) -> frozenset[Queue]:
    """Return the queues of the processes that have been heard of since then."""
    found = connection.execute(sa.select(EXECUTORS.c.queues).where(EXECUTORS.c.beat > since)).scalars()
    words = {word for queues in found for word in queues.split()}
    return frozenset(queue for queue in QUEUES if queue in words)


def waiting(connection: sa.Connection, since: float) -> list[Waiting]:
    """Return what waits in each queue; a process that has not been heard of since then does not listen."""
    heard = listened(connection, since)
    query = sa.select(JOBS.c.queue, sa.func.count()).where(JOBS.c.state == "queued").group_by(JOBS.c.queue)
    counted = {row[0]: row[1] for row in connection.execute(query)}
    return [Waiting(queue, counted.get(queue, 0), queue in heard) for queue in QUEUES]


def do_without_gpu(connection: sa.Connection) -> int:
    """Move what waits in the gpu queue to the cpu queue, and return how many jobs that were."""
    moved = sa.update(JOBS).where(JOBS.c.state == "queued", JOBS.c.queue == "gpu").values(queue="cpu")
    return connection.execute(moved).rowcount


def _started_by_owner(connection: sa.Connection, since: float) -> dict[str, int]:
    query = sa.select(JOBS.c.owner, sa.func.count()).where(JOBS.c.started > since).group_by(JOBS.c.owner)
    return {row[0]: row[1] for row in connection.execute(query)}


def _of(id: int, run: int) -> sa.Update:
    return sa.update(JOBS).where(JOBS.c.id == id, JOBS.c.run == run, JOBS.c.state == "running")


def _job(row: sa.Row[Any]) -> Job:
    return Job(
        id=row.id,
        work=Work(**json.loads(row.work), queue=row.queue),
        state=row.state,
        run=row.run,
        tries=row.tries,
        deaths=row.deaths,
        accepted=row.accepted,
        due=row.due,
        ended=row.ended,
        reason=clean_line(row.reason),
    )
