"""The server of the tests: one port on loopback, its state, and the methods that tests move it by."""

from __future__ import annotations

from hub_server.driving import Driving
from hub_server.handler import Api
from hub_server.model import State
from hub_server.routing import fault
from loopback import Faults, Loopback


class Hub(Loopback, Driving):
    """A Hub, running until `close`. ``url`` is its endpoint."""

    def __init__(self) -> None:
        Driving.__init__(self, State())
        Loopback.__init__(self, Faults(fault), Api)
        (self.url,) = self.urls
