"""How the smoke-load's process tells the checker what it does."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Channel:
    """Where events are written: one JSON object a line. `current` is the stage that was begun last."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        self.current = ""

    def send(self, **event: Any) -> None:
        """Write one event."""
        os.write(self._descriptor, json.dumps(event).encode() + b"\n")

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
            self.send(event="end", stage=name, seconds=time.perf_counter() - start, ok=ok)
