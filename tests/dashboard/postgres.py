"""A PostgreSQL server of the tests' own, from the system's packages, listening on a socket in its own directory."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip("there is no PostgreSQL here: apt-get install postgresql")
    return Path(found[-1] if found else str(on_path)).parent


def _owner() -> str | None:
    """Whom it runs as: never root, which it refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is nobody else here")


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the address of an empty database; the test is skipped where there is no PostgreSQL."""
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is in the bot extra")
    programs, owner = _programs(), _owner()
    directory = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if owner is not None:
        shutil.chown(directory, owner)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=owner, cwd=directory, stdout=subprocess.DEVNULL, timeout=120)

    data = str(directory / "data")
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off"
        run(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(directory / "log"), "-o", options, "start")
        yield f"postgresql://tester@/postgres?host={directory}"
        run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
