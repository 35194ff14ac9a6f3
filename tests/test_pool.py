"""Many files in rooms side by side: order, a room that goes down, an interrupt, and the walls between two rooms."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.progress import Step
from cpipe_check.report.model import Smoke, Verdict
from cpipe_check.sandbox import backends
from cpipe_check.sandbox.isolation import Needs, room_of
from cpipe_check.sandbox.linux import identity, landlock
from cpipe_check.sandbox.room import Room, RoomError, Stopped
from cpipe_check.sandbox.task import Limits, Task
from cpipe_check.smoke import pool
from cpipe_check.smoke.job import Signature
from cpipe_check.smoke.pool import Load, room_count, smoke_load_all
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.smoke.target import SmokeTarget
from cpipe_check.submission import collect
from cpipe_check.text import clean_line

linux = pytest.mark.skipif(sys.platform != "linux", reason="there is no room on this system")
ONE_STEP = (PIPELINES / "one_step_unet.py").read_text()
RETURN = "        return scheduler_output - scheduler_output + torch.ones_like(scheduler_output)\n"
CPU = SmokeOptions(device="cpu")


def one_step(body: str) -> str:
    assert RETURN in ONE_STEP
    return ONE_STEP.replace(RETURN, body + RETURN)


def write(folder: Path, sources: Mapping[str, str]) -> list[str]:
    for name, source in sources.items():
        (folder / name).write_text(source)
    return [str(folder / name) for name in sources]


def loads(count: int) -> list[Load]:
    target = SmokeTarget("P", Signature(()), Signature(()), (), ())
    return [Load(target, {f"{index}.py": b""}) for index in range(count)]


class FakeSmoker:
    """Stands for a room: file 0 takes longest; `broken` rooms never open; file `bug` is one of ours."""

    broken, bug = 0, -1
    opened: Iterator[int]

    def __init__(self, _options: SmokeOptions, stop: threading.Event | None = None) -> None:
        self.stop = stop
        self.whole = next(self.opened) >= self.broken

    def __enter__(self) -> FakeSmoker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def open_ahead(self) -> bool:
        return self.whole

    def smoke_load(self, _target: SmokeTarget, files: Mapping[str, bytes], on_stage: Any) -> Smoke:
        index = int(next(iter(files)).removesuffix(".py"))
        on_stage("load")
        if index == self.bug:
            raise ZeroDivisionError("a bug of ours")
        if self.bug >= 0:
            assert self.stop is not None
            # The others are in the middle of a file.
            assert self.stop.wait(20)
            raise Stopped
        time.sleep(0.2 if index == 0 else 0)
        return Smoke(Verdict.RAN if self.whole else Verdict.NOT_RUN, clean_line(str(index)))


@pytest.mark.parametrize(
    ("jobs", "broken", "verdict"), [(1, 0, "ran"), (3, 0, "ran"), (3, 2, "ran"), (3, 3, "not run")]
)
def test_order_whatever_is_done_first(jobs: int, broken: int, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room that does not open leaves the files to the others, if there are any."""
    smoker = type("Smoker", (FakeSmoker,), {"broken": broken, "opened": itertools.count()})
    monkeypatch.setattr(pool, "Smoker", smoker)
    done: list[int] = []
    found = smoke_load_all(loads(12), SmokeOptions(jobs=jobs), lambda i, stage: None if stage else done.append(i))
    assert [smoke.reason for smoke in found] == [str(index) for index in range(12)]
    assert {smoke.verdict.value for smoke in found} == {verdict}
    assert sorted(done) == list(range(12))
    assert (done == sorted(done)) == (jobs == 1 or broken > 1)


def test_a_bug_of_ours_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "Smoker", type("Smoker", (FakeSmoker,), {"bug": 2, "opened": itertools.count()}))
    with pytest.raises(ZeroDivisionError, match="a bug of ours"):
        smoke_load_all(loads(12), SmokeOptions(jobs=3), lambda index, stage: None)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("room ")]


def test_room_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "usable_cpus", lambda: 8)
    monkeypatch.setattr(pool, "available_memory", lambda: 64 << 30)
    assert [room_count(CPU, files) for files in (0, 1, 7, 8, 100)] == [1, 1, 1, 2, 8]
    assert room_count(SmokeOptions(device="cuda"), 100) == 1
    assert [room_count(SmokeOptions(jobs=5), files) for files in (1, 4, 100)] == [1, 4, 5]
    monkeypatch.setattr(pool, "available_memory", lambda: 7 << 30)
    assert room_count(CPU, 100) == 2
    monkeypatch.setattr(pool, "available_memory", lambda: 1 << 30)
    assert room_count(CPU, 100) == 1
    monkeypatch.setattr(pool, "available_memory", lambda: None)
    assert room_count(CPU, 100) == 8


@linux
def test_a_room_that_goes_down_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("diffusers")
    monkeypatch.setenv("CI", "")
    sources = {f"{index}.py": one_step("") for index in range(4)}
    sources["0.py"] = one_step("        import time; time.sleep(2)\n")
    sources["1.py"] = one_step("        import os; os.kill(os.getppid(), 9)\n")
    options = SmokeOptions(device="cpu", isolation="none", trusted=True, jobs=2)
    report = check(collect(write(tmp_path, sources)), options)
    assert [os.path.basename(file.path) for file in report.files] == list(sources)
    found = [(file.smoke.verdict, file.smoke.reason) for file in report.files]
    assert found.pop(1) == (Verdict.FAILED, "in call: the sandbox went down with it")
    assert found == [(Verdict.RAN, "")] * 3


@linux
@pytest.mark.parametrize(("number", "when"), [(signal.SIGINT, "calling"), (signal.SIGTERM, "starting")])
def test_interrupt_leaves_nothing(tmp_path: Path, number: signal.Signals, when: str) -> None:
    pytest.importorskip("diffusers")
    seconds = f"{86 + os.getpid() / 1e7:.7f}"
    body = f"        import subprocess; subprocess.run(['sleep', '{seconds}'])\n"
    files = write(tmp_path, {f"{index}.py": one_step(body) for index in range(4)})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "cpipe_check", "--device", "cpu", "--jobs", "2", *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    deadline = time.monotonic() + 100
    while (len(_running(seconds)) if when == "calling" else len(list(scratch.iterdir()))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "cpipe-check: interrupted")
    assert list(scratch.iterdir()) == []
    assert not _running(seconds)
    assert not _running(str(scratch)), "a room is left behind"


def _running(argument: str) -> list[str]:
    """The processes that name something in their arguments or their environment."""
    found = []
    for pid in identity.pids():
        try:
            texts = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        except OSError:
            continue
        if pid != os.getpid() and argument.encode() in texts[0] + texts[1]:
            found.append(str(pid))
    return found


@linux
@pytest.mark.parametrize("lacks", ["", "scopes"])
@pytest.mark.parametrize("name", ["landlock", "bwrap"])
def test_walls_between_two_rooms(name: str, lacks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One room's attacks, and the sweep after them, reach neither the other's files nor its processes."""
    backend = next(backend for backend in backends.known() if backend.name == name)
    if missing := backend.missing():
        pytest.skip(f"not proven on this machine: {missing}")
    if lacks:
        monkeypatch.setattr(landlock, "SCOPES_SINCE", 99)
    stop = threading.Event()
    try:
        with room_of(backend, Needs(), stop) as victim, room_of(backend, Needs()) as attacker:
            _attack(attacker, victim, stop)
    except RoomError as error:
        pytest.skip(f"not proven on this machine: {error}")


def _attack(attacker: Room, victim: Room, stop: threading.Event) -> None:
    secret = victim.directory / "work" / "secret"
    secret.write_text("secret")
    for path in (secret, secret.parent):
        path.chmod(0o777)
    ended: list[str] = []

    def work() -> None:
        try:
            ended.append(victim.run(Task("cpipe_check.sandbox.attacks:forever", {}), lambda _: None).over)
        except Stopped:
            ended.append("stopped")

    thread = threading.Thread(target=work)
    zygote = _zygote(victim)
    thread.start()
    task = _task(zygote)
    if os.geteuid() == 0:
        mine, theirs = (identity._owner(pid) for pid in (zygote, _zygote(attacker)))
        assert len({0, mine, theirs}) == 3, "two rooms share a user"
    through: list[str] = []
    tried = set()
    for pid in (zygote, task):
        payload = {
            **{"file": str(secret), "directory": str(secret.parent), "victim": pid, "memory": 1 << 30},
            **{"processes": 12, "tcp": 1, "udp": 1, "unix": "/x", "datagrams": "/x", "abstract": "x"},
        }

        def on_event(event: dict[str, Any]) -> None:
            tried.add(event["fact"])
            through.extend([] if event["stopped"] else [event["attack"]])

        limits = Limits(seconds=15, memory=1 << 30, processes=12, open_files=64, file_size=1 << 20)
        outcome = attacker.run(Task("cpipe_check.sandbox.attacks:main", payload, limits), on_event)
        # It leaves a daemon, which the sweep finds; the victim is still there.
        assert (outcome.exit_code, outcome.over, attacker.alive) == (0, "", True)
        assert outcome.left
        assert Path(f"/proc/{zygote}").exists()
        assert Path(f"/proc/{task}").exists()
    assert through == []
    assert {"reads", "writes", "processes"} <= tried
    assert secret.read_text() == "secret"
    assert [path.name for path in secret.parent.iterdir()] == ["secret"]
    assert ended == []
    stop.set()
    thread.join()
    assert ended == ["stopped"]
    assert not Path(f"/proc/{task}").exists()


def _zygote(room: Room) -> int:
    """The room's own process, before it has a task, as seen from outside: bubblewrap has two of its own before it."""
    tree = (room._process.pid, *identity.descendants(room._process.pid))
    (found,) = [pid for pid in tree if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(sys.executable.encode())]
    return found


def _task(zygote: int) -> int:
    """The process of the task that has just been given to a room, deaf to signals by now."""
    deadline = time.monotonic() + 10
    while not (tasks := identity.descendants(zygote)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)
    return tasks[0]


@linux
def test_users_are_not_shared() -> None:
    with identity.made_up_user() as one, identity.made_up_user() as other:
        assert len({one, other, os.getuid()}) == 3


HOSTILE = """        import os, signal, time
        temporary = os.path.dirname(os.path.dirname(os.environ["HOME"]))
        found, end = [], time.monotonic() + 2
        def attempt(what, *arguments):
            try:
                found.append((what.__name__, arguments, what(*arguments)))
            except OSError:
                pass
        attempt(os.listdir, temporary)
        while time.monotonic() < end:
            for pid in {2, os.getppid(), *range(max(os.getpid() - 3000, 2), os.getpid() + 3000)} - {os.getpid()}:
                attempt(os.kill, pid, signal.SIGKILL)
                attempt(os.listdir, f"/proc/{pid}/fd")
        try:
            os.kill(-1, signal.SIGKILL)
        except OSError:
            pass
        if found:
            raise RuntimeError(repr(found)[:300])
"""
VICTIM = """        import os, time
        with open("mine", "w") as file:
            file.write("mine")
        time.sleep(3)
        assert os.listdir(".").count("mine") == 1
        assert open("mine").read() == "mine"
"""


@linux
@pytest.mark.slow
def test_hostile_neighbour(tmp_path: Path) -> None:
    """Both call at the same time: neither's events are read before the other has come as far."""
    pytest.importorskip("diffusers")
    meeting = threading.Barrier(2)
    called: dict[int, float] = {}

    def tell(step: Step) -> None:
        if step.stage == "load":
            meeting.wait(100)
        if step.stage in ("call", "output"):
            called[step.index if step.stage == "call" else step.index + 10] = time.monotonic()

    files = write(tmp_path, {"hostile.py": one_step(HOSTILE), "victim.py": one_step(VICTIM)})
    report = check(collect(files), SmokeOptions(device="cpu", jobs=2), tell)
    if any("isolation unavailable" in file.smoke.reason for file in report.files):
        pytest.skip("no kind of room is proven on this machine")
    assert [(file.smoke.verdict, file.smoke.reason) for file in report.files] == [(Verdict.RAN, "")] * 2
    assert max(called[0], called[1]) < min(called[10], called[11]), "they did not call at the same time"
