"""A task's own process, from its fork to the first line of the work: everything that it could hold on to is let go."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

from cpipe_check.sandbox import frames
from cpipe_check.sandbox.linux import identity, kernel, landlock, seccomp
from cpipe_check.sandbox.plan import WRITABLE, RoomPlan
from cpipe_check.sandbox.task import EVENT, REPLY, Task

# What a task needs of the kernel's own files: its own process, and the machine's size.
_KERNEL_FILES = (
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu", "/sys/devices/system/node",
)  # fmt: skip


class TaskChannel:
    """The task's line to the checker: JSON objects out, and a reply in when asked."""

    def __init__(self, events: int, replies: int) -> None:
        self._events, self._replies = events, replies

    def send(self, **event: Any) -> None:
        """Send one event."""
        frames.write_all(self._events, frames.frame(EVENT, frames.to_payload(event)))

    def ask(self, **event: Any) -> dict[str, Any]:
        """Send one event and wait for the checker's reply to it."""
        self.send(**event)
        _, payload = frames.read_frame(self._replies, REPLY)
        return frames.read_object(payload)


def become_task(plan: RoomPlan, task: Task, events: int, replies: int, output: int) -> None:
    """Lock this process up for the task, run the task, and end. Called in a fresh fork; never returns."""
    room = os.getppid()
    os.setsid()
    if sys.platform == "linux":
        kernel.die_with_parent(room)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, output), (2, output)):
        os.dup2(source, target)
    events, replies = _only_descriptors(events, replies)
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ, 32, 33):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(os.path.join(plan.directory, "work"))
    limits = task.limits
    if sys.platform == "linux":
        identity.limit(
            identity.ProcessLimits(
                limits.memory, limits.processes, limits.open_files, limits.file_size, int(limits.seconds) + 5
            )
        )
    if plan.landlock:
        writable = [os.path.join(plan.directory, name) for name in WRITABLE]
        read_only = [*plan.readable, *task.readable, plan.directory, *_KERNEL_FILES]
        landlock.restrict(read_only, [*writable, "/dev/null"], task.devices)
    if plan.locked and not plan.scoped:
        seccomp.signal_only_self(os.getpid())
    module, _, function = task.entry.partition(":")
    run = getattr(importlib.import_module(module), function)
    run(task.payload, TaskChannel(events, replies))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


def _only_descriptors(events: int, replies: int) -> tuple[int, int]:
    """Close every descriptor but the standard ones and two, which become 3 and 4."""
    high = [os.dup(events), os.dup(replies)]
    kept = [os.dup2(descriptor, 100 + i) for i, descriptor in enumerate(high)]
    os.closerange(3, 100)
    os.closerange(102, 65536)
    events, replies = (os.dup2(descriptor, 3 + i, inheritable=False) for i, descriptor in enumerate(kept))
    os.closerange(100, 102)
    return events, replies
