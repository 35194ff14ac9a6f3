"""The one thread that stores what is accepted: many deliveries in one transaction, so that one fsync serves all."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cpipe_bot.jobs.database import JOBS, Database
from cpipe_bot.jobs.work import Work

_AT_ONCE = 500
# Written in the statement: a parameter costs more than the disk.
_AS_NEW: dict[str, Any] = {
    "state": sa.literal_column("'queued'"),
    "reason": sa.literal_column("''"),
    "executor": sa.literal_column("''"),
    **{name: sa.literal_column("0") for name in ("run", "tries", "deaths")},
}
_FIELDS = tuple(field.name for field in fields(Work) if field.name != "queue")


@dataclass(frozen=True, slots=True)
class Stored:
    """What of some works is new and now on disk, and what was there already."""

    accepted: tuple[Work, ...]
    duplicates: tuple[Work, ...]


# What became of each of several groups of works.
Outcome = Stored | Exception
_Put = tuple[Sequence[Sequence[Work]], Future[list[Outcome]]]


class Inbox:
    """Stores works. `on_stored` is told of new ones, in the storing thread."""

    def __init__(self, database: Database, on_stored: Callable[[Sequence[Work]], None]) -> None:
        self._database = database
        self._on_stored = on_stored
        self._waiting: queue.SimpleQueue[_Put | None] = queue.SimpleQueue()
        insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._insert: Any = (
            insert(JOBS).values(_AS_NEW).on_conflict_do_nothing(index_elements=["key"]).returning(JOBS.c.key)
        )
        self._thread = threading.Thread(target=self._store_all, name="inbox", daemon=True)
        self._thread.start()

    def put(self, groups: Sequence[Sequence[Work]]) -> Future[list[Outcome]]:
        """Return what will have become of each group: it is on disk, or there is the database's error."""
        future: Future[list[Outcome]] = Future()
        self._waiting.put((groups, future))
        return future

    def close(self) -> None:
        """Store what is waiting, and stop."""
        self._waiting.put(None)
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it can still store."""
        return self._thread.is_alive()

    def _store_all(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < _AT_ONCE and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    self._waiting.put(None)
                    break
                batch.append(following)
            outcomes = iter(self._stored([group for groups, _ in batch for group in groups]))
            for groups, future in batch:
                found = [next(outcomes) for _ in groups]
                # Whoever waited may have gone; what was stored stays stored.
                if future.set_running_or_notify_cancel():
                    future.set_result(found)

    def _stored(self, groups: Sequence[Sequence[Work]]) -> list[Outcome]:
        try:
            new = self._insert_new([work for group in groups for work in group])
        except Exception as error:
            # One that the database refuses takes no other with it.
            return [error] if len(groups) == 1 else [each for group in groups for each in self._stored([group])]
        outcomes: list[Outcome] = []
        for group in groups:
            accepted: list[Work] = []
            duplicates: list[Work] = []
            for work in group:
                # Of two alike in one batch the first is the new one.
                (accepted if work.key in new else duplicates).append(work)
                new.discard(work.key)
            outcomes.append(Stored(tuple(accepted), tuple(duplicates)))
            if accepted:
                self._on_stored(accepted)
        return outcomes

    def _insert_new(self, works: Sequence[Work]) -> set[str]:
        if not works:
            return set()
        with self._database.write() as connection:
            now = self._database.now(connection)
            rows = connection.execute(self._insert, [_row(work, now) for work in works])
            return set(rows.scalars())


def _row(work: Work, now: float) -> dict[str, object]:
    return {
        "key": work.key,
        "repo_type": work.repo_type,
        "repo": work.repo,
        "owner": work.repo.partition("/")[0],
        "ref": work.ref,
        "comment": work.comment,
        "queue": work.queue,
        "work": json.dumps({name: getattr(work, name) for name in _FIELDS}),
        "accepted": now,
        "due": now,
    }
