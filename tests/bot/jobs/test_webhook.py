"""Hostile and clumsy deliveries, over real connections to the real server."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import uvicorn

from bot.jobs.conftest import FAST, fine
from bot.jobs.server import ROOT, SECRET, delivery, free_port, post
from cpipe_bot.hub.webhook import MOST_BYTES, WeakSecret, app
from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.work import Work

SECONDS = 1.0


class Running:
    """The application on uvicorn in a thread. `read` are the bodies that anybody looked at."""

    def __init__(self, database: str) -> None:
        self.read: list[bytes] = []
        self.port = free_port()
        self.engine = Engine(database, fine, policy=FAST)
        self.engine.start()
        server = app(self.engine, SECRET, self._works, metrics_token="", seconds_to_read=SECONDS)
        config = uvicorn.Config(server, port=self.port, log_config=None, access_log=False, proxy_headers=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self.engine.close(0)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def _works(self, body: bytes) -> tuple[Work, ...]:
        self.read.append(body)
        told = json.loads(body)
        if told == {}:
            return ()
        if told == "surprise":
            raise KeyError("nobody foresaw this")
        if not isinstance(told, dict):
            raise ValueError("no object")
        return (Work("model", told["repo"], told["ref"], told["sha"], "1", "push"),)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(f"sqlite:///{tmp_path_factory.mktemp('jobs') / 'jobs.sqlite'}")
    yield found
    found.close()


def _raw(port: int, head: str, send: Callable[[socket.socket], None] = lambda _: None) -> str:
    """Send a head, then whatever `send` sends, and return the answer's status line; "" when there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"POST /webhooks/hub HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode("latin-1"))
        with suppress(BrokenPipeError, ConnectionResetError):
            send(connection)
        try:
            return connection.makefile("rb").readline().decode().strip()
        except ConnectionResetError:
            return ""


def _with(secret: str, *headers: str) -> str:
    return "".join(f"{line}\r\n" for line in (f"X-Webhook-Secret: {secret}", *headers))


def test_accepted_known_and_nothing_to_do(running: Running) -> None:
    assert [post(running.port, delivery("o/first")) for _ in range(2)] == [202, 200]
    assert post(running.port, b"{}") == 200


@pytest.mark.parametrize("secret", ["", "wrong", SECRET[:-1], SECRET + "x", SECRET.upper(), "\xe4" * 30])
def test_a_wrong_secret(running: Running, secret: str) -> None:
    before = len(running.read)
    head = _with(secret, "Content-Length: 10") if secret else "Content-Length: 10\r\n"
    # It is answered before the body comes, so nothing of that was waited for or looked at.
    assert "401" in _raw(running.port, head)
    assert len(running.read) == before


def test_a_slow_body(running: Running) -> None:
    def slowly(connection: socket.socket) -> None:
        for _ in range(20):
            connection.sendall(b" ")
            time.sleep(SECONDS / 5)

    assert "408" in _raw(running.port, _with(SECRET, "Content-Length: 5000"), slowly)
    assert "408" in _raw(running.port, _with(SECRET, "Content-Length: 5000"))
    assert post(running.port, b"{}") == 200


def test_a_large_body(running: Running) -> None:
    before = len(running.read)
    assert "413" in _raw(running.port, _with(SECRET, f"Content-Length: {100 * 10**6}"))
    assert "413" in _raw(running.port, _with(SECRET, f"Content-Length: {MOST_BYTES + 1}"))
    assert post(running.port, b"{}" + b" " * (MOST_BYTES - 2)) == 200
    assert len(running.read) == before + 1


def test_chunks_without_a_length_or_an_end(running: Running) -> None:
    sent: list[int] = []

    def for_ever(connection: socket.socket) -> None:
        for _ in range(1600):
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent.append(0x10000)

    before = len(running.read)
    status = _raw(running.port, _with(SECRET, "Transfer-Encoding: chunked"), for_ever)
    # The connection is closed on it, so that the answer may be lost; all 100 MB are never taken.
    assert "413" in status or not status
    assert sum(sent) < 50 * 10**6
    assert len(running.read) == before


@pytest.mark.parametrize("length", ["-1", "many", "0x10", "9" * 30, "+5", "1_0"])
def test_a_length_that_is_none(running: Running, length: str) -> None:
    status = _raw(running.port, _with(SECRET, f"Content-Length: {length}"))
    assert "400" in status or "413" in status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"\xff\xfe\x00",
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b"[" * 400_000 + b"]" * 400_000,
        b"9" * 900_000,
        b'"\\ud800"',
    ],
)
def test_garbage_and_bombs(running: Running, body: bytes) -> None:
    assert post(running.port, body) == 400
    assert running.get("/healthz") == (200, "ok\n")


def test_our_own_fault_is_no_2xx(running: Running) -> None:
    assert post(running.port, b'"surprise"') == 500
    assert post(running.port, b"{}") == 200


def test_an_old_delivery_again(running: Running) -> None:
    bodies = [delivery("o/again", sha * 40) for sha in "abc"]
    assert [post(running.port, body) for body in bodies] == [202, 202, 202]
    assert [post(running.port, body) for body in bodies] == [200, 200, 200]


def test_only_post(running: Running) -> None:
    assert running.get("/webhooks/hub")[0] == 405
    assert running.get("/docs")[0] == running.get("/openapi.json")[0] == 404


def test_how_the_server_is(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    assert running.get("/readyz") == (200, "ok\n")
    monkeypatch.setattr(running.engine.database, "read", lambda: 1 / 0)
    status, why = running.get("/readyz")
    assert (status, why) == (503, "the database does not answer (ZeroDivisionError)\n")


def test_a_full_disk_is_no_2xx(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(running.engine._inbox, "_insert_new", fails)
    assert post(running.port, delivery("o/full")) == 503
    monkeypatch.undo()
    assert post(running.port, delivery("o/full")) == 202


def test_metrics(running: Running) -> None:
    post(running.port, delivery("o/counted"))
    post(running.port, delivery("o/counted"), "wrong")
    status, text = running.get("/metrics")
    assert status == 200
    for line in ('cpipe_deliveries_total{outcome="accepted"}', 'cpipe_deliveries_total{outcome="unauthorized"}'):
        assert line in text
    assert 'cpipe_jobs{state="dead"} 0.0' in text
    assert "o/counted" not in text
    # What a proxy passes on comes from anybody.
    assert running.get("/metrics", X_Forwarded_For="203.0.113.5")[0] == 404


def test_no_secret_no_server(running: Running) -> None:
    for secret in ("", "short", " " * 40):
        with pytest.raises(WeakSecret, match="16 characters"):
            app(running.engine, secret, lambda _: ())


def test_logs() -> None:
    program = f"""
import logging
from cpipe_bot.logs import log_as_json
log_as_json([{SECRET!r}])
log = logging.getLogger("cpipe_bot.x")
log.info("it is %s\\n\\x1b[2Jfaked", {SECRET!r}, extra={{"fields": {{"repos": ["o/\\u202er"], "ms": 3}}}})
try:
    raise ValueError({SECRET!r} + "\\x1b]0;title\\x07")
except ValueError:
    log.exception("failed")
"""
    path = os.pathsep.join([str(ROOT / "checks"), str(ROOT / "bot")])
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    first, second = map(json.loads, done.stderr.splitlines())
    assert first["message"] == "it is *** faked"
    assert first["ms"] == 3
    assert "\u202e" not in first["repos"][0]
    assert "ValueError: ***" in second["traceback"]
    assert "\x1b" not in second["traceback"]
