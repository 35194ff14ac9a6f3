"""A PostgreSQL of the tests' own, from the system's package: in a temporary directory, on a socket in it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Postgres:
    """A running server."""

    def __init__(self, directory: Path, user: str) -> None:
        self._directory = directory
        self._user = user

    def database(self) -> str:
        """Return the URL of a new, empty database."""
        import psycopg

        name = f"t{secrets.token_hex(4)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://{self._user}@/{name}?host={self._directory}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Yield a server, which ends with the block; the test is skipped where there is none."""
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is in the bot extra")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/nowhere")]
    programs = found[-1].parent
    if not (programs / "postgres").exists():
        pytest.skip("there is no PostgreSQL here: apt-get install postgresql")
    # Not below pytest's directory, which is root's alone where root runs the tests: PostgreSQL refuses to run as root.
    directory = Path(tempfile.mkdtemp(prefix="cpipe-postgres-"))
    user, as_user = _somebody(directory)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"} | as_user
    data = directory / "data"
    try:
        initdb = [programs / "initdb", "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, **quiet)
        command = [programs / "postgres", "-D", data, "-k", directory, "-c", "listen_addresses=", "-c", "fsync=off"]
        server = subprocess.Popen(command, **quiet)
        try:
            _wait(directory, user, server)
            yield Postgres(directory, user)
        finally:
            # At once: it would wait for its clients.
            server.send_signal(signal.SIGQUIT)
            server.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _somebody(directory: Path) -> tuple[str, dict[str, object]]:
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name, {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(directory, found.pw_uid, found.pw_gid)
        return name, {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")


def _wait(directory: Path, user: str, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    for _ in range(600):
        try:
            psycopg.connect(f"postgresql://{user}@/postgres?host={directory}").close()
            return
        except psycopg.OperationalError:
            assert server.poll() is None, "PostgreSQL ended at once"
            time.sleep(0.05)
    raise AssertionError("PostgreSQL did not answer within 30 s")
