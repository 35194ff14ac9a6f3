"""The processes: the server, which accepts and works, and further workers."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import FrameType

import uvicorn

from cpipe_bot.hub.metrics import Metrics
from cpipe_bot.hub.webhook import app, checked_secret
from cpipe_bot.jobs.database import BadDatabase
from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.hub import Hub
from cpipe_bot.jobs.policy import Policy
from cpipe_bot.jobs.reconcile import reconcile
from cpipe_bot.jobs.recorder import Recorder
from cpipe_bot.jobs.work import QUEUES, Queue
from cpipe_bot.logs import log_as_json
from cpipe_bot.store import Runs, connect
from cpipe_bot.web import error_pages, pages

log = logging.getLogger("cpipe_bot.serve")
_KEPT = timedelta(days=90)


class CannotServe(Exception):
    """The server cannot be started, for a reason that is one line."""


@dataclass(frozen=True, slots=True)
class Process:
    """How a process is to run.

    It does jobs of the `queues`. `dashboard_token` is what replaying takes, "" for nobody. `grace` is how many seconds
    running jobs get to end when it is stopped.
    """

    database: str
    workers: int
    host: str = "127.0.0.1"
    port: int = 8000
    secret: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    dashboard_token: str = field(default="", repr=False)
    policy: Policy = field(default_factory=Policy)
    grace: float = 25.0
    queues: tuple[Queue, ...] = QUEUES


def serve(process: Process, hub: Hub) -> None:
    """Accept deliveries and do their work until SIGTERM or SIGINT.

    Raises:
        CannotServe: when the port cannot be had.
        WeakSecret: when the secret is shorter than 16 characters.
        BadDatabase: when the database cannot be used.
    """
    checked_secret(process.secret)
    log_as_json([process.secret, process.metrics_token, process.dashboard_token])
    stopped = _on_stop()
    listening = _listening(process.host, process.port)
    metrics, runs = Metrics(), _runs(process, hub)
    engine = _engine(process, hub, [metrics, runs])
    server = app(engine, process.secret, hub.works, metrics=metrics, metrics_token=process.metrics_token)
    server.include_router(pages(runs, engine, process.dashboard_token or None))
    error_pages(server)
    config = uvicorn.Config(
        server,
        # Their lines are not ours; what was delivered is logged by the webhook.
        log_config=None,
        access_log=False,
        # Nobody before us says who calls, so nobody can claim to be this machine.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
        limit_concurrency=1000,
    )
    threading.Thread(target=_reconcile, args=(engine, hub, runs, stopped), name="reconcile", daemon=True).start()
    # What is there now stays; looking through it again and again for garbage would hold up deliveries for 0.1 s.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
    log.info("serving", extra={"fields": {"host": process.host, "port": process.port, "workers": process.workers}})
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        stopped.set()
        _close(engine, process.grace)


def work(process: Process, hub: Hub) -> None:
    """Do jobs until SIGTERM or SIGINT.

    Raises:
        BadDatabase: when the database cannot be used.
    """
    log_as_json()
    stopped = _on_stop()
    engine = _engine(process, hub, [_runs(process, hub)])
    log.info("working", extra={"fields": {"workers": process.workers, "queues": engine.queues}})
    try:
        stopped.wait()
    finally:
        _close(engine, process.grace)


def _runs(process: Process, hub: Hub) -> Runs:
    try:
        return Runs(connect(process.database), dry_run=hub.dry_run)
    except ValueError as error:
        raise BadDatabase(str(error)) from None


def _engine(process: Process, hub: Hub, recorders: Sequence[Recorder]) -> Engine:
    engine = Engine(
        process.database,
        hub.handler,
        workers=process.workers,
        queues=process.queues,
        policy=process.policy,
        recorders=recorders,
    )
    engine.start()
    return engine


def _on_stop() -> threading.Event:
    """Return what is set by SIGTERM and SIGINT. uvicorn raises them again when it has stopped, which is not the end."""
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # By its number of the protocol asyncio knows that answers are not to wait for more to send with them.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        raise CannotServe(f"{host} port {port} cannot be had: {error}") from None
    return listening


def _reconcile(engine: Engine, hub: Hub, runs: Runs, stopped: threading.Event) -> None:
    while not stopped.wait(hub.seconds):
        # What a look at the refs does not bring today it brings the next time.
        with suppress(Exception):
            missed = reconcile(engine, hub.watched(), hub.newest, rules=hub.rules)
            runs.prune(_KEPT)
            log.info("looked for deliveries that never came", extra={"fields": {"missed": missed}})


def _close(engine: Engine, grace: float) -> None:
    left = engine.close(grace)
    log.info("stopped", extra={"fields": {"handed_back": left}})
    if left:
        # Their threads would keep this process. Another one, or the next, does what they were doing.
        logging.shutdown()
        os._exit(0)
