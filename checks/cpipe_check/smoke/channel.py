"""How the smoke-load's process tells the checker what it does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cpipe_check.sandbox.inmate import TaskChannel
from cpipe_check.smoke import peak


class Channel:
    """Events about stages. `current` is the stage that was begun last."""

    def __init__(self, line: TaskChannel) -> None:
        self._line = line
        self._challenge = ""
        self.current = ""

    def send(self, **event: Any) -> None:
        """Send one event, with the checker's challenge once there is one."""
        self._line.send(challenge=self._challenge, **event)

    def ask_challenge(self) -> None:
        """Ask for the challenge, which every later event carries: no report made up before it can."""
        self._challenge = str(self._line.ask(event="loaded", challenge="")["challenge"])

    def ask(self, **event: Any) -> str:
        """Send one event and return the path that the checker answers with; only before the file has been imported."""
        return str(self._line.ask(challenge=self._challenge, **event)["path"])

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Report that a stage begins, and its seconds and outcome when it ends."""
        self.current = name
        self.send(event="begin", stage=name)
        start, ok = time.perf_counter(), False
        try:
            yield
            ok = True
        finally:
            seconds = time.perf_counter() - start
            self.send(event="end", stage=name, seconds=seconds, ok=ok, memory=peak.host(), device_memory=peak.device())
