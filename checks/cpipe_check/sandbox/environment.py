"""What a room is given of the checker's surroundings: a few variables, and the paths that Python needs to read."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

_KEPT = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
)  # fmt: skip
_SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf",
    "/etc/ld.so.conf.d", "/etc/localtime",
    "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/ca-certificates", "/dev/zero",
    "/dev/urandom", "/dev/random", "/sys/devices/system/cpu", "/sys/devices/system/node",
)  # fmt: skip


def variables(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with no token, no home and no cache of the user's; `home` takes their place."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    user_base = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
    places = {name: str(home) for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME")}
    names = {"USER": "nobody", "LOGNAME": "nobody"}
    return {**kept, **user_base, **places, **names, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def readable(packages: Sequence[str]) -> tuple[str, ...]:
    """Return the paths that a Python process needs to read: the system's programs, this Python, and `packages`."""
    paths = [*_SYSTEM, sys.base_prefix, sys.prefix, sys.exec_prefix]
    if site.ENABLE_USER_SITE:
        paths.append(site.getusersitepackages())
    for name in ("cpipe_check", *packages):
        spec = find_spec(name)
        for place in spec.submodule_search_locations or () if spec else ():
            # Where one package is installed, those that it needs are too.
            installed = os.path.basename(os.path.dirname(place)) in ("site-packages", "dist-packages")
            paths.append(os.path.dirname(place) if installed else place)
    found: list[str] = []
    for path in paths:
        if os.path.exists(path) and not any(_beneath(path, other) for other in found):
            found.append(path)
    return tuple(found)


def _beneath(path: str, directory: str) -> bool:
    return os.path.commonpath([path, directory]) == directory
