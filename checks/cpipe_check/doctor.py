"""`cpipe-check --doctor`: what this machine can do, by trying it."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from cpipe_check import __version__
from cpipe_check.sandbox import backends
from cpipe_check.sandbox.isolation import Needs, room_of
from cpipe_check.sandbox.probe import ESSENTIAL, FACTS, probe
from cpipe_check.sandbox.room import RoomError
from cpipe_check.smoke.run import INSTALL, PACKAGES
from cpipe_check.text import clean_line

_DEVICES = """
import sys; sys.path.pop(0)
import torch
print("cpu", *(f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())), sep=", ")
if torch.backends.mps.is_available():
    print("mps")
"""


def examine() -> Iterator[str]:
    """Yield the lines of the report: versions, devices, and what each kind of sandbox is proven to hold."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    yield f"cpipe-check {__version__} · Python {platform.python_version()} · {system}"
    yield f"packages   {', '.join(map(_version, (*PACKAGES, 'libcst')))}"
    yield f"devices    {_devices()}"
    usable: dict[str, str] = {}
    known = backends.known() if sys.platform == "linux" else ()
    for backend in known:
        verdict, what = _room(backend)
        if verdict:
            usable.setdefault(verdict, backend.name)
        yield f"sandbox    {backend.name:9} {clean_line(what)}"
    if not known:
        yield "sandbox    none known on this system: smoke-load in a Linux container or in WSL"
    yield f"strict     {_mode(usable, ('strict',))}"
    yield f"auto       {_mode(usable, ('strict', 'auto'))}"


def _mode(usable: dict[str, str], verdicts: tuple[str, ...]) -> str:
    name = next((usable[verdict] for verdict in verdicts if verdict in usable), "")
    return name or "unavailable: a smoke-load says `not run`; apt-get install bubblewrap may be all that it takes"


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} missing"


def _devices() -> str:
    done = subprocess.run([sys.executable, "-c", _DEVICES], capture_output=True, text=True, check=False)
    return clean_line(done.stdout.strip()) or f"cpu; torch does not start: {INSTALL}"


def _room(backend: backends.Backend) -> tuple[str, str]:
    """Return "strict", "auto" or "" for what a kind of room can be used for, and what was found."""
    missing = backend.missing()
    if missing:
        return "", f"not tried: {missing}"
    try:
        with room_of(backend, Needs()) as room:
            found = probe(room)
    except (RoomError, OSError, subprocess.TimeoutExpired) as error:
        return "", f"does not start: {error}"
    if len(found.proven) == len(FACTS):
        return "strict", f"proven: {', '.join(found.proven)}"
    holes = "; ".join(f"{fact} ({', '.join(attacks)})" for fact, attacks in found.broken.items())
    return "auto" if set(ESSENTIAL) <= set(found.proven) else "", f"not proven: {holes}"
