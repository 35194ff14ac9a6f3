"""Hostile pipelines in the real room: nothing read, written, sent or shown, the documented verdict, the next file well.

Each file in tests/hostile is an attack; `base.txt` is the pipeline that it is put in front of, unless it brings its
own, `head.txt` what several attacks use. `expect:` in its head is the verdict and a pattern for the reason, `seconds:`
that it shall run into the limit of time, and `room: lost` that the room ends with it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import secrets
import socket
import stat
import subprocess
import sys
import sysconfig
import unicodedata
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.progress import Step
from cpipe_check.report import as_json, as_text
from cpipe_check.report.model import Smoke, Verdict
from cpipe_check.sandbox.isolation import Needs, Unavailable, open_room
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.submission import collect

pytest.importorskip("diffusers", reason="the smoke-load needs the smoke extra")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no room on this system")

HOSTILE = Path(__file__).parent / "hostile"
HEAD, BASE = (HOSTILE / "head.txt").read_text(), (HOSTILE / "base.txt").read_text()
_HEAD = re.compile(r"^# (expect|seconds|room): (.*)$", re.MULTILINE)
# The verdict on an attack, what is shown of it, and the verdict on the good pipeline after it, by the attack's name.
Found = dict[str, tuple[Smoke, str, Smoke]]
HEADS = {attack: dict(_HEAD.findall(attack.read_text())) for attack in HOSTILE.glob("*.py")}
# First those that end their room, which no other attack's traces are lost with.
ATTACKS = sorted(HEADS, key=lambda attack: ("room" not in HEADS[attack], attack.name))
GOOD = PIPELINES / "one_step_unet.py"
# So many attacks in a row share the good pipeline after them; the slow tests have it after each.
ROW = 5


class World:
    """Everything that an attack could reach: files, listeners, a process and a token, and what has become of them."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.token = secrets.token_hex(16)
        self.folder = root / "canaries"
        self.folder.mkdir()
        self.file = self.folder / "secret"
        self.file.write_text(self.token)
        for path in (self.folder, self.file):
            path.chmod(0o777)
        self.before = self._state()
        self.streams = [
            self._listen(stack, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            self._listen(stack, socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            self._listen(stack, socket.AF_UNIX, socket.SOCK_STREAM, str(root / "s")),
            self._listen(stack, socket.AF_UNIX, socket.SOCK_STREAM, f"\0{self.token}"),
        ]
        self.datagrams = [
            self._listen(stack, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            self._listen(stack, socket.AF_UNIX, socket.SOCK_DGRAM, str(root / "s.d")),
        ]
        for name in ("s", "s.d"):
            (root / name).chmod(0o777)
        environment = {**os.environ, "SECRET_TOKEN": self.token}
        self.victim = stack.enter_context(subprocess.Popen(["sleep", "3000"], env=environment))
        stack.callback(self.victim.kill)
        self.site = Path(sysconfig.get_paths()["purelib"])
        self.installed = set(os.listdir(self.site))
        self.places = {
            "CANARY_FILE": self.file,
            "CANARY_DIR": self.folder,
            "SITE": self.site,
            "TCP": self.streams[0].getsockname()[1],
            "TCP6": self.streams[1].getsockname()[1],
            "UDP": self.datagrams[0].getsockname()[1],
            "UNIX": root / "s",
            "ABSTRACT": self.token,
            "PID": self.victim.pid,
            "PARENT": os.getpid(),
            "PARAMETERS": ", ".join(f"parameter_{number}: int" for number in range(10_000)),
        }

    @staticmethod
    def _listen(stack: ExitStack, family: int, kind: int, address: object) -> socket.socket:
        made = stack.enter_context(socket.socket(family, kind))
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen()
        made.setblocking(False)
        return made

    def _state(self) -> list[tuple[str, int, int, int, bytes]]:
        found = []
        for path in sorted([self.folder, *self.folder.iterdir()]):
            status = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            found.append((path.name, status.st_mode, status.st_uid, status.st_mtime_ns, content))
        return found

    def assert_untouched(self) -> None:
        assert self._state() == self.before, "files outside have been changed"
        assert set(os.listdir(self.site)) == self.installed, "something was written beside the installed packages"
        assert self.victim.poll() is None, "a process outside has been killed"
        for listener in self.streams:
            with pytest.raises(BlockingIOError):
                listener.accept()
        for listener in self.datagrams:
            with pytest.raises(BlockingIOError):
                listener.recv(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("world")
    for parent in (root, *list(root.parents)[:2]):
        parent.chmod(0o755)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        made = World(root, stack)
        for name in ("HF_TOKEN", "GITHUB_TOKEN", "SECRET_TOKEN"):
            patch.setenv(name, made.token)
        yield made


def rooms() -> list[str]:
    """The kinds of room that are proven here to hold everything."""
    found = []
    for name in ("bwrap", "landlock"):
        try:
            with open_room(name, Needs()) as (_, isolation):
                if not isolation.not_proven:
                    found.append(name)
        except Unavailable as error:
            print(f"not proven here: {error}")
    return found


ROOMS = rooms() if sys.platform == "linux" else []


def source_of(attack: Path, world: World) -> str:
    text = attack.read_text()
    text = HEAD + text if "(DiffusionPipeline):" in text else HEAD + text + BASE
    return re.sub(r"@@(\w+)@@", lambda match: str(world.places[match[1]]), text)


@pytest.fixture(scope="module")
def reports(world: World, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """One run over all attacks, each row of them with the good pipeline after it, by the attack's name.

    The kinds of room take turns, so that each attack meets one of them; the slow test has each meet both.
    """
    if not ROOMS:
        pytest.skip("no kind of room is proven on this machine: nothing was shown here about hostile pipelines")
    found = {}
    # A process for each kind, since each is one long row of files; it inherits the world.
    _WORLDS.append(world)
    with ProcessPoolExecutor(len(ROOMS), multiprocessing.get_context("fork")) as pool:
        runs = [
            pool.submit(partial(_run_here, number, room, str(tmp_path_factory.mktemp(room))))
            for number, room in enumerate(ROOMS)
        ]
        for done in runs:
            found.update(done.result())
    return found


_WORLDS: list[World] = []


def _run_here(number: int, room: str, folder: str) -> Found:
    return run(ATTACKS[number :: len(ROOMS)], room, _WORLDS[0], Path(folder), row=ROW)


def run(attacks: list[Path], room: str, world: World, folder: Path, jobs: int = 1, row: int = 1) -> Found:
    found: Found = {}
    for seconds in (60, 4):
        group = [attack for attack in attacks if ("seconds" in HEADS[attack]) == (seconds == 4)]
        if not group:
            continue
        rows = [group[first : first + row] for first in range(0, len(group), row)]
        options = SmokeOptions(device="cpu", seconds=seconds, memory=3 << 30, isolation=room, jobs=jobs)
        made, unseen = run_rows(rows, options, world, folder)
        found |= made
        if unseen:
            again, still = run_rows([[attack] for together in unseen for attack in together], options, world, folder)
            assert not still
            found |= again
    return found


def run_rows(
    rows: list[list[Path]], options: SmokeOptions, world: World, folder: Path
) -> tuple[Found, list[list[Path]]]:
    """Run each row of attacks and the good pipeline after it.

    Returned as well are the rows in which a room ended before the good pipeline could show what had been done to it.
    """
    lists: list[list[str]] = []
    for row in rows:
        paths = [folder / attack.name for attack in row]
        for attack, path in zip(row, paths, strict=True):
            path.write_text(source_of(attack, world))
        after = folder / f"after_{row[-1].name}"
        after.write_text(GOOD.read_text())
        lists.append([str(path) for path in (*paths, after)])
    starts: Counter[str] = Counter()

    def tell(step: Step) -> None:
        starts[Path(step.name).name] += step.stage == "start"

    report = check(collect([path for listed in lists for path in listed]), options, tell)
    smoked = {file.path: file for file in report.files}
    found: Found = {}
    unseen = []
    for row, (*hostile, good) in zip(rows, lists, strict=True):
        # The first start is the file's, the second a room's.
        followers = [*hostile[1:], good]
        fresh = [path for path in followers if starts[Path(path).name] > 1]
        if fresh != followers[: len(fresh)]:
            unseen.append(row)
        for path in hostile:
            one = type(report)((smoked[path],), rules=report.rules)
            shown = as_text.render(one) + as_json.render(one)
            found[Path(path).stem] = (smoked[path].smoke, shown, smoked[good].smoke)
    assert max(starts.values()) > 1, "a room has started, and was not seen to"
    return found, unseen


@pytest.mark.parametrize("name", [attack.stem for attack in ATTACKS])
def test_attack(name: str, reports: Found, world: World) -> None:
    smoke, shown, after = reports[name]
    expected = HEADS[HOSTILE / f"{name}.py"]["expect"]
    assert re.fullmatch(expected, f"{smoke.verdict.value}: {smoke.reason}".removesuffix(": ")), smoke
    assert world.token not in shown, "the secret is shown"
    assert "LOOT" not in smoke.reason, smoke.reason
    assert_inert(shown)
    assert (after.verdict, after.reason) == (Verdict.RAN, ""), "the good pipeline after it is affected"
    assert smoke.isolation.not_proven == ()
    assert not smoke.unserved, "it says that the machine is to blame"


def test_world_is_untouched(reports: Found, world: World) -> None:
    assert len(reports) == len(ATTACKS) >= 30
    world.assert_untouched()
    assert not rooms_left(), "a room is left behind"


def rooms_left() -> list[str]:
    """The rooms that nobody holds any more, or this process does: tests beside this one have rooms of their own."""
    listed = subprocess.run(["ps", "-eo", "ppid=,args="], capture_output=True, text=True, check=False).stdout
    found = [line.split(None, 1) for line in listed.splitlines() if "sandbox.zygote" in line]
    return [args for parent, args in found if int(parent) in (1, os.getpid())]


def assert_inert(shown: str) -> None:
    assert not [c for c in shown if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert not re.search(r"^\s*::", shown, re.MULTILINE)
    assert "##[" not in shown


NEIGHBOURS = ("eats_private_memory", "edits_kept_references", "fills_disk", "floods_protocol", "signals_others")


@pytest.mark.skipif(not ROOMS, reason="no kind of room is proven on this machine")
@pytest.mark.slow
def test_the_room_beside(world: World, tmp_path: Path) -> None:
    """Hostile files in two rooms at once: none changes what is said of the others."""
    for name, (smoke, _, after) in run([HOSTILE / f"{n}.py" for n in NEIGHBOURS], ROOMS[0], world, tmp_path, 2).items():
        expected = HEADS[HOSTILE / f"{name}.py"]["expect"]
        assert re.fullmatch(expected, f"{smoke.verdict.value}: {smoke.reason}".removesuffix(": ")), (name, smoke)
        assert (after.verdict, after.reason) == (Verdict.RAN, ""), name
    world.assert_untouched()


@pytest.mark.slow
@pytest.mark.parametrize("room", ROOMS)
def test_every_attack_in_every_room(room: str, world: World, tmp_path: Path) -> None:
    """In two rooms at once, so that every attack has a neighbour too."""
    for name, (smoke, shown, after) in run(ATTACKS, room, world, tmp_path, jobs=2).items():
        expected = HEADS[HOSTILE / f"{name}.py"]["expect"]
        assert re.fullmatch(expected, f"{smoke.verdict.value}: {smoke.reason}".removesuffix(": ")), (name, smoke)
        assert world.token not in shown
        assert after.verdict is Verdict.RAN, name
    world.assert_untouched()


def test_file_names_are_inert(tmp_path: Path) -> None:
    for name in ("a\n::error::b.py", "`c` [d](http:e).py", "\x1b[31mf\u202eg.py", "##[group]h.py"):
        (tmp_path / name).write_text("from diffusers import NoSuchThing\n")
    report = check(collect([str(path) for path in sorted(tmp_path.iterdir())]))
    text = as_text.render(report)
    assert_inert(text)
    json.loads(as_json.render(report))
