"""Limits that a process puts on itself before it runs code that it does not trust."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies. Does nothing where there is no such call."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def limit_memory(limit: int) -> None:
    """Limit this process's private memory to `limit` bytes; an allocation beyond it fails. Linux only.

    `RLIMIT_DATA` counts what is written to, unlike `RLIMIT_AS`, which would also count the libraries that torch maps.
    """
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
