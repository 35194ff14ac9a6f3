"""The server of the tests: two ports on loopback (the API, and the storage that artifacts lie in), and its state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from types import TracebackType

from github_server.contract import Contract
from github_server.driving import Driving
from github_server.faults import Faults, Request
from github_server.handler import Api, Blobs
from github_server.model import State
from github_server.shapes import Shapes

_contract: list[Contract] = []


def vendored_contract() -> Contract:
    """The contract, read once a process."""
    if not _contract:
        _contract.append(Contract.vendored())
    return _contract[0]


class GitHubServer(Driving):
    """A GitHub with one organisation's repository, ``octo-org/pipelines``, running until `close`.

    ``prefix`` is what the API's paths start with; GitHub Enterprise has ``/api/v3``.
    """

    def __init__(self, prefix: str = "") -> None:
        self.lock = threading.RLock()
        self.prefix = prefix
        self.contract = vendored_contract()
        self.faults = Faults()
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Api, Blobs)]
        for server in self._servers:
            server.daemon_threads = True
            server.github = self  # type: ignore[attr-defined]
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        api, blobs = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)
        self.base_url = api + prefix
        state = State()
        super().__init__(state, Shapes(state, self.base_url, api, blobs))

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
        return [request for request in self.requests if request.method != "GET"]

    def violate(self, who: str, what: str, problems: list[str]) -> None:
        """Record what does not keep to the contract."""
        self.violations += [f"{who}: {what}: {problem}" for problem in problems]

    def log(self, request: Request) -> None:
        self.requests.append(request)

    def close(self) -> None:
        self.faults.released.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> GitHubServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
