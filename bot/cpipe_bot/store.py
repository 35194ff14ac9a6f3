"""What was checked: every run with its report, in the database that the jobs are in."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cpipe_bot.database import REPORTS, RUNS, connect, create_tables
from cpipe_bot.jobs.work import Done, RepoType, Work
from cpipe_bot.kept import files_of, files_text, keep, unpacked
from cpipe_bot.run import MAIN, CheckedFile, Filters, Run, State, is_repo, run_id
from cpipe_check.text import CleanText, clean_line

__all__ = ["CheckedFile", "Filters", "Run", "Runs", "connect", "run_id"]

_SHA = re.compile(r"[0-9a-f]{0,64}", re.ASCII)
_CURSOR = re.compile(r"(\d{1,15})-([0-9a-f]{32})", re.ASCII)
_ALL = Filters()
_OVER: tuple[State, ...] = ("done", "superseded", "opted out", "dead")


class Runs:
    """The runs that an engine's database holds; may be used by many threads and processes at once.

    A method that takes a `Work` notes what happens to it, whatever was noted before or is missing, and may be called
    again. With `dry_run` True the runs are marked as having answered nobody.
    """

    def __init__(self, engine: sa.Engine, *, dry_run: bool = False) -> None:
        self._engine = engine
        self._dry_run = dry_run
        again = {"state": "queued", "finished": None, "error": ""}
        self._insert_queued = self._insert(RUNS).on_conflict_do_update(
            index_elements=[RUNS.c.id], set_=again, where=_DEAD
        )
        create_tables(engine)

    def queued(self, works: Sequence[Work]) -> None:
        """Note that works were accepted, or wait again after they were given up; otherwise nothing changes.

        Raises:
            ValueError: when one names no repository or commit of the Hub; the others are noted.
        """
        rows, bad = self._rows(works)
        if rows:
            with self._engine.begin() as connection:
                connection.execute(self._insert_queued, rows)
        if bad is not None:
            raise bad

    def running(self, work: Work) -> None:
        """Note that the work has begun, perhaps once more. Raises `ValueError` as `queued` does."""
        now = {"state": "running", "started": _now(), "finished": None, "conclusion": None, "error": ""}
        self._note(work, now)

    def retrying(self, work: Work, why: str) -> None:
        """Note that the work waits again, and why. Raises `ValueError` as `queued` does."""
        self._note(work, {"state": "queued", "error": clean_line(why)})

    def finished(self, work: Work, done: Done, seconds: float) -> None:
        """Note what became of the work after `seconds`, and keep its report. Raises `ValueError` as `queued` does."""
        state: State = "superseded" if done.superseded else "opted out" if done.opted_out else "done"
        now = {
            "state": state,
            "conclusion": done.conclusion if state == "done" else None,
            "headline": clean_line(done.headline, 500),
            "finished": _now(),
            "seconds": seconds,
            "error": "",
            "files": files_text(done.report),
        }
        if done.discussion is not None:
            now["discussion"] = done.discussion
        self._note(work, now, done)

    def dead(self, work: Work, why: str) -> None:
        """Note that the work was given up, and why. Raises `ValueError` as `queued` does."""
        self._note(work, {"state": "dead", "conclusion": None, "finished": _now(), "error": clean_line(why)})

    def get(self, id: str) -> Run | None:
        """Return a run, None when there is none of this id."""
        found = self._select(sa.select(RUNS).where(RUNS.c.id == id))
        return found[0] if found else None

    def page(self, id: str) -> str:
        """Return a run's report as a self-contained HTML page, "" when none is kept. Its text is inert."""
        return self._stored(REPORTS.c.page, id)

    def document(self, id: str) -> str:
        """Return a run's report as a JSON document, "" when none is kept."""
        return self._stored(REPORTS.c.document, id)

    def recent(self, filters: Filters = _ALL, before: str = "", limit: int = 30) -> tuple[Run, ...]:
        """Return the newest runs, those older than a `cursor` when one is given.

        Raises:
            ValueError: when `before` is no cursor.
        """
        query = sa.select(RUNS).order_by(RUNS.c.created.desc(), RUNS.c.id.desc()).limit(limit)
        if filters.repo:
            query = query.where(sa.func.lower(RUNS.c.repo).contains(filters.repo.lower(), autoescape=True))
        if filters.state:
            query = query.where(RUNS.c.state == filters.state)
        if filters.conclusion:
            query = query.where(RUNS.c.conclusion == filters.conclusion)
        if before:
            parts = _CURSOR.fullmatch(before)
            if parts is None:
                raise ValueError("no cursor")
            created, older = int(parts[1]), parts[2]
            same = sa.and_(RUNS.c.created == created, RUNS.c.id < older)
            query = query.where(sa.or_(RUNS.c.created < created, same))
        return self._select(query)

    def history(self, repo: str, repo_type: RepoType = "model", limit: int = 100) -> tuple[Run, ...]:
        """Return a repository's runs, the newest first."""
        query = sa.select(RUNS).where(RUNS.c.repo == repo, RUNS.c.repo_type == repo_type)
        return self._select(query.order_by(RUNS.c.created.desc(), RUNS.c.id.desc()).limit(limit))

    def latest(self, repo: str, repo_type: RepoType = "model") -> Run | None:
        """Return the last run of a repository's main branch that came to an end of its own, None when none did."""
        query = sa.select(RUNS).where(RUNS.c.repo == repo, RUNS.c.repo_type == repo_type, _ENDED_ON_MAIN)
        found = self._select(query.order_by(RUNS.c.created.desc(), RUNS.c.id.desc()).limit(1))
        return found[0] if found else None

    def counts(self) -> Mapping[State, int]:
        """Return how many runs there are in each state that has one."""
        query = sa.select(RUNS.c.state, sa.func.count()).group_by(RUNS.c.state)
        with self._engine.connect() as connection:
            return {row.state: row.count_1 for row in connection.execute(query)}

    def prune(self, older_than: timedelta) -> int:
        """Delete the runs that ended longer ago, but for the latest of every repository, and return how many."""
        limit = _now() - round(older_than.total_seconds() * 1000)
        other = RUNS.alias()
        newer = sa.exists().where(
            other.c.repo == RUNS.c.repo,
            other.c.repo_type == RUNS.c.repo_type,
            other.c.ref == MAIN,
            other.c.state.in_(("done", "opted out")),
            sa.or_(
                other.c.created > RUNS.c.created, sa.and_(other.c.created == RUNS.c.created, other.c.id > RUNS.c.id)
            ),
        )
        old = sa.select(RUNS.c.id).where(
            RUNS.c.state.in_(_OVER), RUNS.c.finished < limit, sa.or_(sa.not_(_ENDED_ON_MAIN), newer)
        )
        with self._engine.begin() as connection:
            ids = list(connection.execute(old).scalars())
            for some in (ids[i : i + 500] for i in range(0, len(ids), 500)):
                connection.execute(sa.delete(REPORTS).where(REPORTS.c.id.in_(some)))
                connection.execute(sa.delete(RUNS).where(RUNS.c.id.in_(some)))
        return len(ids)

    def _note(self, work: Work, now: Mapping[str, Any], done: Done | None = None) -> None:
        row = self._insert(RUNS).values({**self._row(work), **now})
        kept = keep(done.report) if done is not None and done.report is not None else None
        with self._engine.begin() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=[RUNS.c.id], set_=dict(now)))
            if kept is not None:
                parts = {"document": kept.document, "page": kept.page}
                report = self._insert(REPORTS).values({"id": run_id(work), **parts})
                connection.execute(report.on_conflict_do_update(index_elements=[REPORTS.c.id], set_=parts))

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._engine.dialect.name == "sqlite" else postgresql.insert(table)

    def _rows(self, works: Sequence[Work]) -> tuple[list[dict[str, Any]], ValueError | None]:
        rows, bad = [], None
        for work in works:
            try:
                rows.append(self._row(work))
            except ValueError as error:
                bad = error
        return rows, bad

    def _row(self, work: Work) -> dict[str, Any]:
        if not is_repo(work.repo):
            raise ValueError(f"no repository: {clean_line(work.repo, 200)}")
        if _SHA.fullmatch(work.sha) is None:
            raise ValueError(f"no commit: {clean_line(work.sha, 200)}")
        return {
            "id": run_id(work),
            "repo_type": work.repo_type,
            "repo": work.repo,
            "ref": clean_line(work.ref, 255),
            "sha": work.sha,
            "trigger": work.trigger,
            "state": "queued",
            "headline": "",
            "created": _now(),
            "discussion": work.discussion,
            "error": "",
            "dry_run": self._dry_run,
            "files": "[]",
        }

    def _select(self, query: sa.Select[Any]) -> tuple[Run, ...]:
        with self._engine.connect() as connection:
            return tuple(_run(row) for row in connection.execute(query).mappings())

    def _stored(self, column: sa.Column[bytes], id: str) -> str:
        with self._engine.connect() as connection:
            stored = connection.execute(sa.select(column).where(REPORTS.c.id == id)).scalar()
        return unpacked(stored or b"")


def cursor(run: Run) -> str:
    """Return what `recent` takes for `before`, to go on after a run."""
    return f"{_milliseconds(run.created)}-{run.id}"


_DEAD = RUNS.c.state == "dead"
_ENDED_ON_MAIN = sa.and_(RUNS.c.ref == MAIN, RUNS.c.state.in_(("done", "opted out")))


def _now() -> int:
    return time.time_ns() // 1_000_000


def _milliseconds(when: datetime | None) -> int | None:
    return None if when is None else round(when.timestamp() * 1000)


def _when(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def _run(row: sa.RowMapping) -> Run:
    """A row as a run. Its text was made clean when it was written."""
    return Run(
        **{
            **{str(name): value for name, value in row.items()},
            "ref": CleanText(row["ref"]),
            "headline": CleanText(row["headline"]),
            "error": CleanText(row["error"]),
            "created": _when(row["created"]),
            "started": _when(row["started"]),
            "finished": _when(row["finished"]),
            "files": files_of(row["files"]),
        }
    )
