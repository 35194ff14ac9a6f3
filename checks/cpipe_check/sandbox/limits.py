"""Limits that a process puts on itself before it works on what it does not trust, and how one ends that breaks them."""

from __future__ import annotations

import os
import signal
import sys


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies. Does nothing where there is no such call."""
    if sys.platform == "linux":
        from cpipe_check.sandbox.linux import kernel

        kernel.die_with_parent(os.getppid())


def limit_memory(limit: int) -> None:
    """Limit this process's private memory to `limit` bytes; an allocation beyond it fails. Linux only.

    `RLIMIT_DATA` counts what is written to, unlike `RLIMIT_AS`, which would also count the libraries that torch maps.
    """
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def signal_name(number: int) -> str:
    """Return a signal's name, `SIGSEGV` for one, or `signal 64` for one that has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
