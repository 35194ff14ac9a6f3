"""What this machine, or the container that this runs in, has to give: processors and memory."""

from __future__ import annotations

import os

_CGROUP = "/sys/fs/cgroup"


def usable_cpus() -> int:
    """Return how many processors this process may use, by its affinity and its container's quota; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota, _, period = _read(f"{_CGROUP}/cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        count = min(count, int(quota) // int(period))
    return max(count, 1)


def available_memory() -> int | None:
    """Return how many bytes of memory can still be had, None where the system does not tell."""
    found = [
        int(line.split()[1]) * 1024 for line in _read("/proc/meminfo").splitlines() if line.startswith("MemAvailable:")
    ]
    limit, used = _read(f"{_CGROUP}/memory.max").strip(), _read(f"{_CGROUP}/memory.current").strip()
    if limit.isdigit() and used.isdigit():
        found.append(max(int(limit) - int(used), 0))
    return min(found, default=None)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""
