"""A room as the checker sees it: started once, given one task after the other, closed."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cpipe_check.sandbox import directory, environment, frames
from cpipe_check.sandbox.backends import Backend
from cpipe_check.sandbox.frames import FrameReader, ProtocolError
from cpipe_check.sandbox.plan import WRITABLE, RoomPlan
from cpipe_check.sandbox.task import END, EVENT, EVENTS, IMPORT, OUTPUT, READY, REPLY, TASK, Outcome, Task

_SCRIPT = "import sys; sys.path.pop(0); from cpipe_check.sandbox.zygote import main; main()"
_START_SECONDS, _IMPORT_SECONDS, _GRACE_SECONDS = 30.0, 300.0, 15.0
_ERROR_TAIL = 8 * 1024

# Given each event of a task; what it returns is the reply, None when the task waits for none.
OnEvent = Callable[[dict[str, Any]], dict[str, Any] | None]


class RoomError(Exception):
    """A room that does not start, or cannot import what it shall. The message is one line."""


class Stopped(Exception):
    """The stop event was set: what waited for the room shall clean up and end."""


class Room:
    """A started room. Use it from one thread; close it, or use it in a `with` statement.

    Another thread ends what waits for it by setting `stop`: it raises `Stopped` in a moment. The room dies with the
    thread that started it.
    """

    def __init__(
        self,
        backend: Backend,
        plan: RoomPlan,
        variables: Mapping[str, str],
        memory: int,
        stop: threading.Event | None = None,
    ) -> None:
        """Start a room in `plan.directory`.

        Raises:
            RoomError: when it does not start.
        """
        self._stop = stop or threading.Event()
        self._backend = backend
        self._plan = plan
        self.directory = Path(plan.directory)
        self._errors = b""
        self._reader = FrameReader(READY + EVENTS + OUTPUT + END)
        self._in_task = False
        self.clear()
        home = self.directory / "home"
        try:
            self._process = subprocess.Popen(
                backend.command(plan, [sys.executable, "-c", _SCRIPT], memory),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.directory,
                env=environment.variables(home, variables),
                start_new_session=True,
            )
        except OSError as error:
            raise RoomError(f"{backend.name}: {error.strerror}") from None
        try:
            self._send(TASK, plan.to_object())
            self._wait_ready(_START_SECONDS)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Room:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether it can take a task."""
        return self._process.poll() is None and not self._in_task

    @property
    def landlocked(self) -> bool:
        """Whether a task can write nowhere but in the places that are cleared."""
        return self._plan.locked and self._plan.landlock

    def clear(self, names: Sequence[str] = (*WRITABLE, "submission")) -> None:
        """Empty the places that a task may write to, and the one that it may only read."""
        for name in names:
            # What the task's user does not own it cannot change, whatever else fails.
            owner = self._plan.user if self._plan.locked and os.geteuid() == 0 and name in WRITABLE else None
            directory.make(self.directory / name, 0o700 if name in WRITABLE else 0o755, owner)

    def load(self, modules: Sequence[str]) -> None:
        """Import modules that every task will find imported.

        Raises:
            RoomError: when one cannot be imported.
        """
        self._send(IMPORT, {"modules": list(modules)})
        self._wait_ready(_IMPORT_SECONDS)

    def run(self, task: Task, on_event: OnEvent) -> Outcome:
        """Run a task to its end or to a limit. Afterwards nothing of it runs; if that is unsure the room is closed."""
        self._in_task = True
        self._send(TASK, asdict(task))
        deadline = time.monotonic() + task.limits.seconds + _GRACE_SECONDS
        events, output = FrameReader(EVENT), ""
        try:
            for kind, payload in self._frames(deadline):
                if kind == EVENTS:
                    for _, event in events.feed(payload):
                        reply = on_event(frames.read_object(event))
                        if reply is not None:
                            self._send(REPLY, reply)
                elif kind == OUTPUT:
                    output = payload.decode("utf-8", "replace")
                elif kind == END:
                    end = frames.read_object(payload)
                    self._in_task = not end["swept"]
                    over = end["over"] or ("protocol" if events.in_the_middle else "")
                    return Outcome(end["exit_code"], over, output, end["left"])
            return Outcome(-signal.SIGKILL, "room", self._last_error(), 0)
        except ProtocolError:
            return Outcome(-signal.SIGKILL, "protocol", output, 0)
        finally:
            if self._in_task:
                self.close()

    def close(self) -> None:
        """End the room and everything in it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            # It sweeps up when it notices; only an import keeps it from that, and then there is nothing to sweep.
            self._process.wait(5 if self._in_task else 0.3)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._backend.stop()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _send(self, kind: bytes, value: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(frames.frame(kind, frames.to_payload(value)))
            self._process.stdin.flush()

    def _wait_ready(self, seconds: float) -> None:
        for kind, payload in self._frames(time.monotonic() + seconds):
            error = frames.read_object(payload).get("error", "")
            if kind == READY and not error:
                return
            raise RoomError(f"{self._backend.name}: {error}")
        raise RoomError(f"{self._backend.name}: {self._last_error()}")

    def _frames(self, deadline: float) -> Any:
        """Yield frames from the room until it ends or the deadline is over."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            selector.register(self._process.stderr, selectors.EVENT_READ)
            while time.monotonic() < deadline and selector.get_map():
                if self._stop.is_set():
                    raise Stopped
                for key, _ in selector.select(0.2):
                    chunk = os.read(key.fd, 65536)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._process.stderr:
                        self._errors = (self._errors + chunk)[-_ERROR_TAIL:]
                    else:
                        yield from self._reader.feed(chunk)

    def _last_error(self) -> str:
        text = self._errors.decode("utf-8", "replace").strip()
        return text.rpartition("\n")[2] or "it ended without a word"
