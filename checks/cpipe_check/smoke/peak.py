"""Peak memory of this process, on the host and on a GPU."""

from __future__ import annotations

import sys


def host() -> int:
    """Return the most memory that this process has had so far, in bytes; 0 where the system does not tell."""
    try:
        with open("/proc/self/status", "rb") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmHWM:"))
    except (OSError, StopIteration):
        return 0


def device() -> int:
    """Return the most memory of a CUDA device that tensors have taken since the last call, in bytes; 0 without one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    peak = int(torch.cuda.max_memory_allocated())
    torch.cuda.reset_peak_memory_stats()
    return peak
