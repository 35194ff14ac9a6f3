"""DBOS Transact, which runs the jobs: what has to be set so that nothing is lost, and nothing runs that should not.

What it does not do by itself, and is done here: a fixed application version (its own is a hash of the source, and it
never touches work of another version), a name for each process (its own is "local" for all, so that two processes run
each other's work), JSON in place of pickle. DBOS looks after none but its own process; `Durable.lost` finds the work of
dead ones.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, Serializer

from cpipe_bot.jobs.database import Database

_NAME = "cpipe-bot"
# Not that of the package: what an older one accepted is to be done by a newer one. To be counted up when a workflow's
# steps change so that one half done by the old code cannot be finished by the new.
APPLICATION_VERSION = "1"
_WORKFLOW = "check"
_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_UNDONE = ["PENDING", "ENQUEUED", "DELAYED"]
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job."""

    job: int
    number: int

    @property
    def workflow(self) -> str:
        """The id of its workflow."""
        return f"{_NAME}-{self.job}-{self.number}"


class Durable:
    """DBOS in this process: `attempt` does a run's work and says what came of it as JSON, `settle` records that.

    Each is a step: one that was done is not done again when a workflow goes on in another process.
    """

    def __init__(
        self,
        database: Database,
        executor: str,
        workers: int,
        poll: float,
        attempt: Callable[[Run], dict[str, Any]],
        settle: Callable[[Run, dict[str, Any]], None],
    ) -> None:
        _quiet()
        self._queue = _queue(executor)
        config: DBOSConfig = {
            "name": _NAME,
            "system_database_engine": database.engine,
            "system_database_url": database.engine.url.render_as_string(hide_password=False),
            "application_version": APPLICATION_VERSION,
            "executor_id": executor,
            "serializer": _Json(),
            "use_listen_notify": False,
            "log_level": "WARNING",
        }
        DBOS(config=config)
        self._register(attempt, settle)
        DBOS.listen_queues([self._queue] if workers else [])
        DBOS.launch()
        self._workers = workers
        self._poll = poll
        if workers:
            self._register_queue()
        self._client = client(database)

    def _register(
        self, attempt: Callable[[Run], dict[str, Any]], settle: Callable[[Run, dict[str, Any]], None]
    ) -> None:
        @DBOS.step(name="attempt")
        def attempt_step(job: int, number: int) -> dict[str, Any]:
            return attempt(Run(job, number))

        @DBOS.step(name="settle")
        def settle_step(job: int, number: int, outcome: dict[str, Any]) -> None:
            settle(Run(job, number), outcome)

        @DBOS.workflow(name=_WORKFLOW)
        def check(job: int, number: int) -> None:
            settle_step(job, number, attempt_step(job, number))

    def _register_queue(self) -> None:
        DBOS.register_queue(
            self._queue,
            worker_concurrency=self._workers,
            polling_interval_sec=self._poll,
            on_conflict="always_update",
        )

    def enqueue(self, connection: sa.Connection, run: Run) -> None:
        """Have a run done, as part of the connection's transaction."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": _WORKFLOW,
                "queue_name": self._queue,
                "workflow_id": run.workflow,
                "app_version": APPLICATION_VERSION,
                "application_name": _NAME,
            },
            run.job,
            run.number,
        )

    def lost(self, living: frozenset[str]) -> list[Run]:
        """Return the runs that other processes than the `living` were given."""
        queues = {_queue(executor) for executor in living}
        begun = self._client.list_workflows(status=_UNDONE, name=_WORKFLOW, load_input=False, load_output=False)
        return list(_runs(each.workflow_id for each in begun if each.queue_name not in queues))

    def resume(self, run: Run) -> None:
        """Have this process go on with a run."""
        self._client.resume_workflow(run.workflow, queue_name=self._queue)

    def cancel(self, run: Run) -> None:
        """Have nobody go on with a run."""
        self._client.cancel_workflow(run.workflow)

    def undone(self, runs: Iterable[Run]) -> set[Run]:
        """Return those of the runs that DBOS will still do something for."""
        ids = [run.workflow for run in runs]
        found = self._client.list_workflows(workflow_ids=ids, status=_UNDONE, load_input=False, load_output=False)
        return set(_runs(each.workflow_id for each in found))

    def keep_queues(self, known: frozenset[str]) -> None:
        """Forget the queues of processes that are not `known` any more; one that comes back has its own again."""
        names = {queue.name for queue in self._client.list_queues()}
        for name in names - {_queue(executor) for executor in known} - {self._queue}:
            self._client.delete_queue(name)
        if self._queue not in names:
            self._register_queue()

    def close(self, seconds: float) -> None:
        """Take no more work, and give what is being done `seconds` to end."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=int(seconds))
        self._client.destroy()


def client(database: Database) -> DBOSClient:
    """Return a client of a database that a process with workers was started on."""
    return DBOSClient(system_database_engine=database.engine, serializer=_Json(), application_name=_NAME)


def prune(of: DBOSClient, before: float) -> None:
    """Forget workflows that are over and were begun before `before`."""
    end = datetime.fromtimestamp(before, timezone.utc).isoformat()
    while found := of.list_workflows(status=_OVER, end_time=end, limit=_AT_ONCE, load_input=False, load_output=False):
        of.delete_workflows([each.workflow_id for each in found])


def _queue(executor: str) -> str:
    # One for each process: a queue's limits are in the database, and processes differ in how many workers they have.
    return f"{_NAME}-{executor}"


def _runs(workflows: Iterable[str]) -> Iterator[Run]:
    for workflow in workflows:
        name, _, numbers = workflow.rpartition(f"{_NAME}-")
        job, _, number = numbers.partition("-")
        if not name and job.isdecimal() and number.isdecimal():
            yield Run(int(job), int(number))


class _Json(Serializer):
    """What DBOS stores, as JSON: its own way is pickle, which runs whatever a row says."""

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=_told)

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        return RuntimeError(data["error"]) if isinstance(data, dict) and data.keys() == {"error"} else data

    def name(self) -> str:
        return "json"


def _told(value: object) -> object:
    if isinstance(value, BaseException):
        return {"error": f"{type(value).__name__}: {value}"[:1000]}
    raise TypeError(f"{type(value).__name__} is not stored")


def _quiet() -> None:
    """Have DBOS log where we do, rather than on its own."""
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = True
