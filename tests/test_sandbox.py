"""The room itself: its proof finds the holes of a room that has them, its protocol takes nothing but frames of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from unittest.mock import Mock

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from cpipe_check.sandbox import backends, directory, frames, isolation
from cpipe_check.sandbox.frames import FrameReader, ProtocolError
from cpipe_check.sandbox.isolation import Needs, Unavailable, open_room, room_of
from cpipe_check.sandbox.linux import landlock
from cpipe_check.sandbox.modes import MODES
from cpipe_check.sandbox.probe import FACTS, probe
from cpipe_check.sandbox.room import RoomError
from cpipe_check.sandbox.task import Limits, Task
from cpipe_check.smoke.transcript import FIRST_STAGES, Transcript

linux = pytest.mark.skipif(sys.platform != "linux", reason="there is no room on this system")


@linux
def test_probe_finds_the_holes_of_a_room_without_walls() -> None:
    with room_of(backends.Kernel("none"), Needs()) as room:
        found = probe(room)
    assert {"reads", "writes", "network", "processes", "privileges"} <= set(found.broken)
    assert found.proven == tuple(fact for fact in FACTS if fact not in found.broken)
    through = {attack for attacks in found.broken.values() for attack in attacks}
    assert {"read a file outside", "create a file outside", "connect by TCP", "send to a AF_INET socket"} <= through


@linux
@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_room_is_proven_or_refused(mode: str) -> None:
    try:
        with open_room(mode, Needs()) as (_, held):
            assert held.name in MODES
            assert not held.not_proven or mode == "auto"
    except Unavailable as error:
        pytest.skip(f"not proven on this machine: {error}")


@linux
@pytest.mark.parametrize(("name", "lacks"), [("landlock", "scopes"), ("bwrap", "scopes"), ("bwrap", "landlock")])
def test_older_kernels(name: str, lacks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals are kept in by seccomp, and what is left is swept one by one; bubblewrap holds without Landlock too."""
    backend = next(backend for backend in backends.known() if backend.name == name)
    if missing := backend.missing():
        pytest.skip(f"not proven on this machine: {missing}")
    if lacks == "scopes":
        monkeypatch.setattr(landlock, "SCOPES_SINCE", 99)
    else:
        monkeypatch.setattr(landlock, "version", lambda: 0)
    try:
        with room_of(backend, Needs()) as room:
            assert probe(room).broken == {}
    except RoomError as error:
        pytest.skip(f"not proven on this machine: {error}")


@linux
def test_strict_refuses_a_room_with_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of room that does not keep what its name says is found out, not trusted."""
    monkeypatch.setattr(backends.Kernel, "missing", lambda self: "")
    monkeypatch.setattr(backends, "known", lambda: (_Pretender(),))
    for mode in ("strict", "auto"):
        with pytest.raises(Unavailable, match="read a file outside"), open_room(mode, Needs()):
            pytest.fail("opened")


class _Pretender(backends.Kernel):
    """Says that it is a room and locks nothing."""

    def __init__(self) -> None:
        super().__init__("none")


@linux
def test_outcome_of_a_task(tmp_path: Path) -> None:
    with room_of(backends.Kernel("none"), Needs()) as room:
        with pytest.raises(isolation.RoomError, match="no_such_module"):
            room.load(["no_such_module"])
        missing = room.run(Task("no_such_module:main", {}), lambda _: None)
        assert (missing.exit_code, missing.over) == (70, "")
        assert missing.output.rstrip().endswith("No module named 'no_such_module'")
        stuck = room.run(Task("cpipe_check.sandbox.attacks:forever", {}, Limits(seconds=0.3)), lambda _: None)
        assert (stuck.over, room.alive) == ("time", True)
        room.close()
        assert not room.alive
    assert not room.directory.exists()


@linux
def test_none_is_refused_without_consent_and_in_ci(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("diffusers")
    pipeline = Path(__file__).parent / "pipelines" / "one_step_unet.py"
    monkeypatch.setenv("CI", "")
    refused = command("--isolation", "none", pipeline)
    assert (refused.code, "--i-trust-this-file" in refused.out) == (3, True)
    monkeypatch.setenv("CI", "true")
    refused = command("--isolation", "none", "--i-trust-this-file", pipeline)
    assert (refused.code, "refused where CI is set" in refused.out) == (3, True)


@linux
def test_doctor(command) -> None:
    result = command("--doctor")
    assert result.code == 0
    for word in ("packages", "devices", "sandbox    bwrap", "sandbox    landlock", "strict", "auto"):
        assert word in result.out


@linux
def test_interrupted_checker_leaves_no_room(tmp_path: Path) -> None:
    """The room ends when the checker is killed, and everything in it."""
    script = (
        "from cpipe_check.sandbox import backends\n"
        "from cpipe_check.sandbox.isolation import Needs, room_of\n"
        "from cpipe_check.sandbox.task import Task\n"
        "with room_of(backends.Kernel('none'), Needs()) as room:\n"
        "    print(room.directory, flush=True)\n"
        "    room.run(Task('cpipe_check.sandbox.attacks:forever', {}), lambda _: None)\n"
    )
    checker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert checker.stdout is not None
    path = checker.stdout.readline().strip()
    checker.kill()
    checker.wait()
    deadline = 100
    while _in_directory(path) and deadline:
        deadline -= 1
        subprocess.run(["sleep", "0.1"], check=True)
    assert not _in_directory(path)
    directory.remove(Path(path))


def _in_directory(path: str) -> list[str]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{name}/cwd").startswith(path):
                found.append(name)
        except OSError:
            continue
    return found


def test_removal_of_what_is_hard_to_remove(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "kept").write_text("x")
    (root / "link").symlink_to(tmp_path)
    handle = os.open(root, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.fchmod(handle, 0)
    os.close(handle)
    directory.remove(root)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@seed(20250113)
@settings(max_examples=2000, deadline=None, database=None)
@given(st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.binary(max_size=300)), max_size=8), st.data())
def test_frames_survive_any_cutting(sent: list[tuple[bytes, bytes]], data: st.DataObject) -> None:
    stream = b"".join(frames.frame(kind, payload) for kind, payload in sent)
    reader, got = FrameReader(b"ab"), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += list(reader.feed(stream[:size]))
        stream = stream[size:]
    assert got == sent
    assert not reader.in_the_middle


@seed(20250113)
@settings(max_examples=3000, deadline=None, database=None)
@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever comes is frames of ours or a protocol error, and never much memory."""
    reader = FrameReader(b"e", max_frame=1 << 16)
    try:
        for _, payload in reader.feed(data):
            frames.read_object(payload)
    except ProtocolError:
        pass


ENDED = {"event": "end", "seconds": 0.1, "ok": True, "memory": 1, "device_memory": 0, "challenge": ""}
CHANGES = {
    "asked": {"steps": 4},
    "also": {},
    "give": [],
    "before": [],
    "forms": {},
    "no_example": True,
    "author_sizes": False,
}
SENT = (
    {"event": "begin", "stage": "reference", "challenge": ""},
    {"event": "reference", "key": "ddpm", "challenge": ""},
    {"event": "built", "key": "ddpm", "name": "reference", "challenge": ""},
    {"event": "setting", "reference": "x", "device": "y", "choices": ["z"], "challenge": ""},
    {**ENDED, "stage": "reference"},
    {"event": "begin", "stage": "import", "challenge": ""},
    {**ENDED, "stage": "import"},
    {"event": "begin", "stage": "load", "challenge": ""},
    {**ENDED, "stage": "load"},
    {"event": "again", "why": "x", "tried": "y", "changes": {**CHANGES, "shortened": False}, "challenge": ""},
    {"event": "notice", "stage": "load", "text": "x", "challenge": ""},
    {"event": "loaded", "challenge": ""},
    {"event": "verdict", "verdict": "ran", "reason": "", "challenge": ""},
)
ODD = (b"null", b"1e999", b"NaN", b"[]", b"{}", b'"', rb"\ud800", b"-1", b"[" * 2000, b"9" * 5000, b"\xff", b"\0")


def mutated(random: Random) -> bytearray:
    """The beginning of a transcript with up to six places changed, cut, doubled or made odd."""
    sent = SENT[: random.randint(1, len(SENT))]
    text = bytearray(b"".join(frames.frame(b"e", frames.to_payload(event)) for event in sent))
    for _ in range(random.randint(0, 6)):
        place = random.randrange(len(text) + 1)
        match random.randrange(4):
            case 0:
                text[place : place + 1] = random.randbytes(1)
            case 1:
                del text[place : place + random.randint(1, 9)]
            case 2:
                text[place:place] = random.choice(ODD)
            case _:
                text[place:place] = text[random.randrange(len(text) + 1) :][:50]
    return text


@pytest.mark.parametrize("inputs", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_no_transcript_breaks_the_checker(inputs: int) -> None:
    references = Mock(find=lambda key: "", keep=lambda key, built: "")
    random, refused = Random(20250113), 0
    for _ in range(inputs):
        transcript = Transcript(FIRST_STAGES, lambda _: None, references)
        reader, text = FrameReader(b"e"), mutated(random)
        try:
            while text:
                for _, payload in reader.feed(bytes(text[: (size := random.randint(1, 400))])):
                    transcript.add(frames.read_object(payload))
                del text[:size]
        except ProtocolError:
            refused += 1
    assert inputs // 2 < refused < inputs


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"1", b'{"a": NaN}', b'{"a": Infinity}', b"\xff", b"[" * 100_000, b"{" * 100_000, b'{"a":' * 5000],
)
def test_payload_that_is_no_object(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        frames.read_object(payload)
