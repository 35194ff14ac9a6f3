"""The room's own process: imports once, then forks for each task, watches it and sweeps up after it.

It runs inside the room and is locked up itself before it imports anything large. It holds nothing secret: a task's
process inherits its memory. It talks to the checker through its standard input and output.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import sys
import time
import traceback
from typing import Any

from cpipe_check.sandbox import frames, task
from cpipe_check.sandbox.inmate import become_task
from cpipe_check.sandbox.linux import identity, kernel, landlock, seccomp
from cpipe_check.sandbox.plan import RoomPlan, plan_from
from cpipe_check.sandbox.task import END, EVENTS, IMPORT, OUTPUT, READY, REPLY, TASK, Limits
from cpipe_check.sandbox.watch import Watch

_TICK, _SOON = 0.05, 0.002
_OUTPUT_TAIL = 16 * 1024
_SWEEP_SECONDS = 5.0


def main() -> None:
    """Lock up, then serve the checker until it closes our standard input."""
    _, payload = frames.read_frame(0, TASK)
    plan = plan_from(frames.read_object(payload))
    out = _private_output()
    try:
        _lock_up(plan)
    except OSError as error:
        _send(out, END, {"error": f"{error.strerror or error} ({type(error).__name__})"})
        return
    _send(out, READY, {})
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            _serve(plan, out)


def _private_output() -> int:
    """Move our end of the pipe to the checker out of reach of `print`."""
    out = os.dup(1)
    os.set_inheritable(out, False)
    os.dup2(2, 1)
    return out


def _lock_up(plan: RoomPlan) -> None:
    if sys.platform == "linux":
        kernel.adopt_orphans()
    if not plan.locked:
        return
    identity.become(plan.user, plan.reads_all)
    os.chdir(plan.directory)
    kernel.no_new_privileges()
    kernel.not_dumpable()
    if plan.landlock:
        landlock.restrict([*plan.readable, "/proc"], [plan.directory, "/dev/null"], plan.devices)
    seccomp.restrict()
    if plan.kill_all and plan.outside:
        _check_signals_stay_in(plan.outside)


def _check_signals_stay_in(outside: int) -> None:
    """Raise unless a process outside is out of reach: the sweep would kill it."""
    try:
        os.kill(outside, 0)
    except PermissionError:
        return
    raise OSError("signals leave the room")


def _serve(plan: RoomPlan, out: int) -> None:
    kind, payload = frames.read_frame(0, IMPORT + TASK + REPLY)
    if kind == IMPORT:
        error = _import(frames.read_object(payload)["modules"])
        _send(out, READY, {"error": error})
    elif kind == TASK:
        request = frames.read_object(payload)
        request["limits"] = Limits(**request["limits"])
        _Warden(plan, task.Task(**request), out).run()
    # A reply that comes after its task has ended is nobody's.


def _import(modules: list[str]) -> str:
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:
            return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    # What is imported stays: a fork's garbage collector need not look at it, which would copy every page of it.
    gc.collect()
    gc.freeze()
    return ""


def _send(out: int, kind: bytes, value: dict[str, Any]) -> None:
    frames.write_all(out, frames.frame(kind, frames.to_payload(value)))


class _Warden:
    """Watches one task from its fork to the sweep."""

    def __init__(self, plan: RoomPlan, work: task.Task, out: int) -> None:
        self._plan, self._task, self._out = plan, work, out
        self._over = ""
        self._output = b""
        self._events = self._printed = 0
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Fork, relay, limit, sweep, and tell how it ended."""
        events, event_end = os.pipe()
        output, output_end = os.pipe()
        reply_end, replies = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                become_task(self._plan, self._task, event_end, reply_end, output_end)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(70)
        for descriptor in (event_end, output_end, reply_end):
            os.close(descriptor)
        os.set_blocking(replies, False)
        try:
            status = self._watch(pid, events, output, replies)
        finally:
            self._selector.close()
            for descriptor in (events, output, replies):
                os.close(descriptor)
        code, left, swept = self._sweep(pid, status)
        frames.write_all(self._out, frames.frame(OUTPUT, self._output))
        _send(self._out, END, {"exit_code": code, "over": self._over, "left": left, "swept": swept})

    def _watch(self, pid: int, events: int, output: int, replies: int) -> int | None:
        """Relay until the task's process ends or is over a limit; return its status, None when it has not ended."""
        self._selector.register(0, selectors.EVENT_READ)
        self._selector.register(events, selectors.EVENT_READ)
        self._selector.register(output, selectors.EVENT_READ)
        limits = self._task.limits
        watch = Watch(self._plan.directory, limits, os.getpid())
        deadline = time.monotonic() + limits.seconds
        status: int | None = None
        while not self._over:
            # A process that ends closes its pipes just before.
            tick = _TICK if len(self._selector.get_map()) > 1 else _SOON
            ready = self._selector.select(0 if status is not None else tick)
            for key, _ in ready:
                if key.fd == 0:
                    self._reply(replies)
                else:
                    self._take(key.fd, events)
            if status is not None and not ready:
                return status
            if status is None:
                ended, value = os.waitpid(pid, os.WNOHANG)
                status = value if ended else None
            if time.monotonic() > deadline:
                self._over = "time"
            else:
                self._over = self._over or watch.exceeded()
        return status

    def _reply(self, replies: int) -> None:
        try:
            kind, payload = frames.read_frame(0, REPLY)
        except EOFError:
            # The checker is gone or wants no more: sweep, then end.
            self._over = "room"
            return
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            os.write(replies, frames.frame(kind, payload))

    def _take(self, descriptor: int, events: int) -> None:
        chunk = os.read(descriptor, 65536)
        if not chunk:
            self._selector.unregister(descriptor)
        elif descriptor == events:
            self._events += len(chunk)
            if self._events > self._task.limits.events:
                self._over = "events"
            else:
                frames.write_all(self._out, frames.frame(EVENTS, chunk))
        else:
            self._printed += len(chunk)
            self._output = (self._output + chunk)[-_OUTPUT_TAIL:]
            if self._printed > self._task.limits.output:
                self._over = "output"

    def _sweep(self, pid: int, status: int | None) -> tuple[int, int, bool]:
        """Kill what is left; return the exit code, how many processes were left behind, and whether none is now."""
        left = 0
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        deadline = time.monotonic() + _SWEEP_SECONDS
        while time.monotonic() < deadline:
            if self._plan.kill_all:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(-1, signal.SIGKILL)
            else:
                for other in identity.descendants(os.getpid()):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(other, signal.SIGKILL)
            try:
                while True:
                    ended, value = os.waitpid(-1, os.WNOHANG)
                    if not ended:
                        break
                    if ended == pid:
                        status = value
                    else:
                        left += 1
            except ChildProcessError:
                return os.waitstatus_to_exitcode(status or 0), left, True
            time.sleep(0.002)
        return os.waitstatus_to_exitcode(status or 0), left, False
