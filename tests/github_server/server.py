"""The server of the tests: two ports on loopback (the API, and the storage that artifacts lie in), and its state."""

from __future__ import annotations

import threading

from github_server.contract import Contract
from github_server.driving import Driving
from github_server.faults import Faults, Request
from github_server.handler import Api, Blobs
from github_server.model import State
from github_server.shapes import Shapes
from loopback import Loopback

_contract: list[Contract] = []


def vendored_contract() -> Contract:
    """The contract, read once a process."""
    if not _contract:
        _contract.append(Contract.vendored())
    return _contract[0]


class GitHubServer(Loopback, Driving):
    """A GitHub with one organisation's repository, ``octo-org/pipelines``, running until `close`.

    ``prefix`` is what the API's paths start with; GitHub Enterprise has ``/api/v3``.
    """

    faults: Faults

    def __init__(self, prefix: str = "") -> None:
        self.lock = threading.RLock()
        self.prefix = prefix
        self.contract = vendored_contract()
        Loopback.__init__(self, Faults(), Api, Blobs)
        api, blobs = self.urls
        self.base_url = api + prefix
        state = State()
        Driving.__init__(self, state, Shapes(state, self.base_url, api, blobs))

    def violate(self, who: str, what: str, problems: list[str]) -> None:
        """Record what does not keep to the contract."""
        self.violations += [f"{who}: {what}: {problem}" for problem in problems]

    def log(self, request: Request) -> None:
        self.requests.append(request)
