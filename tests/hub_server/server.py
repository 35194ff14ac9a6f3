"""The server of the tests: one port on loopback, its state, and the methods that tests move it by."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from types import TracebackType

from hub_server.driving import Driving
from hub_server.handler import Api
from hub_server.model import State
from hub_server.routing import fault
from loopback import Faults, Request


class Hub(Driving):
    """A Hub, running until `close`. ``url`` is its endpoint."""

    def __init__(self) -> None:
        super().__init__(State())
        self.faults = Faults(fault)
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self._server.daemon_threads = True
        self._server.hub = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

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
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Hub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
