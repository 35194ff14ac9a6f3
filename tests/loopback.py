"""What the loopback servers of the tests share: answers, faults on demand, and a handler that can cut a connection."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, TypeVar

RESET = "reset"
HANG = "hang"
_Served = TypeVar("_Served", bound="Loopback")


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is JSON, or text where it is a str, or bytes as they are."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: ``path`` decoded and without the base URL's; ``status`` 0 when nothing was answered."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    login: str = ""
    operation: str = ""
    status: int = 0


class Cut(Exception):
    """No answer is to be sent."""


@dataclass(slots=True)
class Rule:
    method: str
    pattern: re.Pattern[str]
    times: int
    skip: int
    after: bool
    act: Any

    def takes(self, method: str, path: str, after: bool) -> bool:
        """Whether this is one of the calls that the rule is for; counts them."""
        if self.times <= 0 or self.after != after:
            return False
        if self.method not in ("*", method) or not self.pattern.search(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    """Faults by method (`*` for any) and a regex searched in the path; each for ``times`` calls after ``skip`` ones.

    ``after=True`` lets the call take effect first, and then answers as if it had not. ``error`` makes the answer of a
    status, where a test gives no body.
    """

    error: Callable[[int], Answer]
    rules: list[Rule] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(
        self,
        method: str,
        pattern: str,
        status: int,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        times: int = 1,
        skip: int = 0,
        after: bool = False,
    ) -> None:
        """Answer with a status; ``body`` is JSON, or text where it is a str."""
        usual = self.error(status)
        answer = Answer(status, usual.body if body is None else body, {**usual.headers, **(headers or {})})
        self._add(method, pattern, times, skip, after, answer)

    def reset(self, method: str, pattern: str, *, times: int = 1, skip: int = 0, after: bool = True) -> None:
        """Cut the connection without an answer."""
        self._add(method, pattern, times, skip, after, RESET)

    def hang(self, method: str, pattern: str, *, times: int = 1, skip: int = 0, after: bool = True) -> None:
        """Never answer: hold the connection until the server closes."""
        self._add(method, pattern, times, skip, after, HANG)

    def call(
        self,
        method: str,
        pattern: str,
        callback: Callable[[Request], None],
        *,
        times: int = 1,
        skip: int = 0,
        after: bool = False,
    ) -> None:
        """Run something before (or after) a call is handled, outside of the server's lock."""
        self._add(method, pattern, times, skip, after, callback)

    def due(self, method: str, path: str, after: bool) -> list[Any]:
        """What is to happen now: callbacks first, then at most one fault."""
        with self._lock:
            found = [rule.act for rule in self.rules if callable(rule.act) and rule.takes(method, path, after)]
            for rule in self.rules:
                if not callable(rule.act) and rule.takes(method, path, after):
                    return [*found, rule.act]
        return found

    def met(self, request: Request, *, after: bool) -> Answer | None:
        """Run what is due, and return the answer that a fault gives; raises `Cut` where it gives none."""
        for act in self.due(request.method, request.path, after):
            if isinstance(act, Answer):
                return act
            if act == HANG:
                self.released.wait(60)
                raise Cut
            if act == RESET:
                raise Cut
            act(request)
        return None

    @property
    def pending(self) -> list[str]:
        """The rules that have not been used up."""
        return [f"{rule.method} {rule.pattern.pattern}" for rule in self.rules if rule.times > 0]

    def _add(self, method: str, pattern: str, times: int, skip: int, after: bool, act: Any) -> None:
        with self._lock:
            self.rules.append(Rule(method, re.compile(pattern), times, skip, after, act))


class Handler(BaseHTTPRequestHandler):
    """Sends whole answers, or cuts the connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65_536
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to the terminal."""

    def send(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204 and "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def cut(self) -> None:
        """Close with a reset, so that the client sees an error and no end of file."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class Loopback:
    """A server's ports on loopback, one for each handler, its faults and its log; running until `close`.

    A handler finds this as `self.server.owner`.
    """

    def __init__(self, faults: Faults, *handlers: type[Handler]) -> None:
        self.faults = faults
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in handlers]
        self.urls = tuple(f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)
        for server in self._servers:
            server.daemon_threads = True
            server.owner = self  # type: ignore[attr-defined]
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def on(
        self,
        method: str,
        pattern: str,
        callback: Callable[[Request], None],
        *,
        when: str = "before",
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Run something right before a matching call is handled, or after (and before it is answered)."""
        self.faults.call(method, pattern, callback, times=times, skip=skip, after=when == "after")

    def calls(self, method: str = "*", containing: str = "") -> list[Request]:
        """The requests so far of a method whose path has a text in it."""
        return [r for r in self.requests if method in ("*", r.method) and containing in r.path]

    def writes(self) -> list[Request]:
        """The requests so far that were not to read."""
        return [request for request in self.requests if request.method not in ("GET", "HEAD")]

    def close(self) -> None:
        self.faults.released.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def __enter__(self: _Served) -> _Served:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
