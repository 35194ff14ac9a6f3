from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cpipe_check.machine import usable_cpus
from cpipe_check.sandbox.isolation import Isolation, Needs, open_room
from cpipe_check.sandbox.room import Room
from postgres import Postgres, postgres

HERE = Path(__file__).parent
PIPELINES = HERE / "pipelines"

# Hundreds of processes are started here, and each would compile the same modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: a third of the time a test waits for processes, servers and limits."""
    return usable_cpus() + 1


@dataclass(frozen=True)
class RealOutcome:
    """What the real diffusers did with a file: the stage that failed ("" for none) and its error."""

    stage: str
    error: str


class RealLoader:
    """Asks the real diffusers; see loader_server.py."""

    def __init__(self, process: subprocess.Popen[str], scratch: Callable[[str], Path]) -> None:
        self._process = process
        self._scratch = scratch

    def load(
        self,
        content: bytes,
        siblings: dict[str, str] | None = None,
        name: str = "my_pipeline.py",
        repository: Mapping[str, str] | None = None,
    ) -> RealOutcome:
        directory = self._scratch("case")
        (directory / name).write_bytes(content)
        for sibling, text in (siblings or {}).items():
            (directory / sibling).write_text(text, encoding="utf-8")
        for path, text in (repository or {}).items():
            # An empty file is as the tiny reference has it.
            (directory / path).parent.mkdir(exist_ok=True)
            (directory / path).write_text(text, encoding="utf-8")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(directory / name), str(directory), list(repository or ())]) + "\n")
        self._process.stdin.flush()
        return RealOutcome(*json.loads(self._process.stdout.readline()))


@pytest.fixture(scope="session")
def real_loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLoader]:
    pytest.importorskip("diffusers", reason="the real loader needs the smoke extra")
    process = subprocess.Popen(
        [sys.executable, str(HERE / "loader_server.py"), str(tmp_path_factory.mktemp("reference"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield RealLoader(process, tmp_path_factory.mktemp)
    process.kill()
    process.wait()


Rooms = Callable[[str, Needs, threading.Event | None], AbstractContextManager[tuple[Room, Isolation]]]


@pytest.fixture(scope="session")
def kept_rooms() -> Iterator[Rooms]:
    """Opens one room for all that ask for the same, and keeps it."""
    kept: dict[tuple[object, ...], tuple[Room, Isolation]] = {}
    with ExitStack() as stack:

        @contextmanager
        def open_once(mode: str, needs: Needs, stop: threading.Event | None = None) -> Iterator[tuple[Room, Isolation]]:
            key = (mode, needs.readable, needs.memory)
            if key not in kept or not kept[key][0].alive:
                kept[key] = stack.enter_context(open_room(mode, needs, stop))
            yield kept[key]

        yield open_once


@pytest.fixture(scope="module")
def shared_rooms(kept_rooms: Rooms) -> Iterator[None]:
    """Smoke-load a module's files in rooms that other modules use as well: importing torch takes longer than most."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cpipe_check.sandbox.isolation.open_room", kept_rooms)
        yield


@pytest.fixture(scope="session")
def a_postgres() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def run_command(*arguments: str | Path, cwd: Path | None = None, stdin: bytes = b"", **env: str) -> Done:
    """Run `cpipe-check` as a user would, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "cpipe_check", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **env},
        timeout=300,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def command() -> Callable[..., Done]:
    return run_command
