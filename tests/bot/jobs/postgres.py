"""A PostgreSQL of the tests' own, from the system's package: in a temporary directory, on a socket in it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


class NoPostgres(Exception):
    """There is none, or it cannot be started here; says why."""


class Postgres:
    """A running server."""

    def __init__(self, directory: Path, user: str) -> None:
        self._directory = directory
        self._user = user

    def database(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"t{secrets.token_hex(4)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://{self._user}@/{name}?host={self._directory}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Yield a server, which ends with the block.

    Raises:
        NoPostgres: when there is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "/nowhere")]
    programs = found[-1].parent
    if not (programs / "postgres").exists():
        raise NoPostgres("no PostgreSQL here; apt-get install postgresql")
    # Not below pytest's directory, which is root's alone where root runs the tests: PostgreSQL refuses to run as root.
    directory = Path(tempfile.mkdtemp(prefix="cpipe-postgres-"))
    user, as_user = _somebody(directory)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"} | as_user
    data = directory / "data"
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync"], check=True, **quiet
        )
        command = [programs / "postgres", "-D", data, "-k", directory, "-c", "listen_addresses="]
        server = subprocess.Popen(command, **quiet)
        try:
            _wait(directory, user, server)
            yield Postgres(directory, user)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoPostgres(f"PostgreSQL cannot be started: {error}") from error
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
    raise NoPostgres("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")


def _wait(directory: Path, user: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            psycopg.connect(f"postgresql://{user}@/postgres?host={directory}").close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise NoPostgres(f"PostgreSQL ended at once, with {server.returncode}") from None
            time.sleep(0.1)
    raise NoPostgres("PostgreSQL did not answer within 30 s")
