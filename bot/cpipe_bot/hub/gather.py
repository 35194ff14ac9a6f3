"""Deliveries that come together are stored together: one transaction, one wait for the disk, one line of the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.inbox import Outcome, Stored
from cpipe_bot.jobs.work import Work

log = logging.getLogger("cpipe_bot.webhook")
# How long the first waits for others, in seconds, and for the disk or the database.
_GATHER = 0.002
_SECONDS = 30.0


class Gathering:
    """Stores works for the coroutines of one event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[tuple[Sequence[Work], asyncio.Future[Stored]]] = []
        self._task: asyncio.Task[None] | None = None

    async def store(self, works: Sequence[Work]) -> Stored:
        """Store works, and return which are new; they are on disk then. Raises what the database raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Stored] = loop.create_future()
        self._waiting.append((works, future))
        if self._task is None:
            self._task = loop.create_task(self._store_all())
        return await future

    async def _store_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GATHER)
            batch, self._waiting = self._waiting, []
            outcomes = await self._outcomes([works for works, _ in batch])
            _log([outcome for outcome in outcomes if isinstance(outcome, Stored)])
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():
                    continue
                if isinstance(outcome, Stored):
                    future.set_result(outcome)
                else:
                    future.set_exception(outcome)
        self._task = None

    async def _outcomes(self, groups: Sequence[Sequence[Work]]) -> Sequence[Outcome]:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._engine.submit_soon(groups)), _SECONDS)
        except Exception as error:
            return [error] * len(groups)


def _log(stored: Sequence[Stored]) -> None:
    accepted = [work.repo for each in stored for work in each.accepted]
    known = [work.repo for each in stored for work in each.duplicates]
    if stored:
        log.info("deliveries stored", extra={"fields": {"accepted": accepted, "known": known}})
