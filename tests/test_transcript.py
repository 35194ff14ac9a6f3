"""What a smoke-load's process may report, and when: every event at every point, and what the room keeps for others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cpipe_check.sandbox.frames import ProtocolError
from cpipe_check.smoke import kept
from cpipe_check.smoke.attempts import MAX_ATTEMPTS, Changes
from cpipe_check.smoke.kept import KeptReferences
from cpipe_check.smoke.transcript import AGAIN_STAGES, EXTRA_STAGES, FIRST_STAGES, Transcript

CHANGES = Changes(asked={"steps": 4}).to_object() | {"give": [], "before": []}


@dataclass
class Place:
    """Stands for a room: all that is asked of one here."""

    directory: Path
    landlocked: bool = True


@pytest.fixture
def room(tmp_path: Path) -> Place:
    made = tmp_path / "work" / "reference"
    made.mkdir(parents=True)
    (made / "model_index.json").write_text("{}")
    return Place(tmp_path)


def references(room: Place, **more: Any) -> KeptReferences:
    return KeptReferences(room, **more)  # type: ignore[arg-type]


def begin(stage: str) -> dict[str, Any]:
    return {"event": "begin", "stage": stage}


def end(stage: str, ok: bool = True) -> dict[str, Any]:
    return {"event": "end", "stage": stage, "seconds": 0.1, "ok": ok, "memory": 1, "device_memory": 0}


EVENTS: dict[str, dict[str, Any]] = {
    "reference": {"event": "reference", "key": "ddpm-1"},
    "built": {"event": "built", "key": "ddpm-1", "name": "reference"},
    "setting": {"event": "setting", "reference": "r", "device": "cpu", "choices": ["c"]},
    "loaded": {"event": "loaded"},
    "again": {"event": "again", "why": "w", "tried": "t", "changes": CHANGES},
    "notice": {"event": "notice", "stage": "load", "text": "n"},
    "output": {"event": "output", "text": "o"},
    "repeat": {"event": "repeat", "same": True},
    "verdict": {"event": "verdict", "verdict": "ran", "reason": ""},
    "unknown": {"event": "unknown"},
    **{f"begin {stage}": begin(stage) for stage in (*FIRST_STAGES, *EXTRA_STAGES, *AGAIN_STAGES)},
    **{f"end {stage}": end(stage) for stage in (*FIRST_STAGES, *EXTRA_STAGES, *AGAIN_STAGES)},
}
# A whole first task, and after each of its events all that may come next.
IMPORTED = {"loaded", "notice"}
FIRST: tuple[tuple[str, set[str]], ...] = (
    ("", {"begin reference", "reference", "built", "setting", "verdict"}),
    ("begin reference", {"end reference", "reference", "built", "setting"}),
    ("setting", {"end reference", "reference", "built", "setting"}),
    ("end reference", {"begin import", "reference", "built", "setting", "verdict"}),
    ("begin import", {"end import", *IMPORTED}),
    ("end import", {"begin load", "verdict", *IMPORTED}),
    ("begin load", {"end load", *IMPORTED}),
    ("end load", {"begin components", "again", "verdict", *IMPORTED}),
    ("loaded", {"begin components", "again", "verdict", "notice"}),
    ("begin components", {"end components", "notice"}),
    ("end components", {"begin call", "again", "verdict", "notice"}),
    ("begin call", {"end call", "notice"}),
    ("end call", {"begin output", "again", "verdict", "notice"}),
    ("again", {"begin load", "again", "verdict", "notice"}),
    ("begin load", {"end load", "notice"}),
    ("end load", {"begin components", "again", "verdict", "notice"}),
    ("begin components", {"end components", "notice"}),
    ("end components", {"begin call", "again", "verdict", "notice"}),
    ("begin call", {"end call", "notice"}),
    ("end call", {"begin output", "again", "verdict", "notice"}),
    ("begin output", {"end output", "output", "notice"}),
    ("output", {"end output", "output", "notice"}),
    ("end output", {"begin save", "verdict", "notice"}),
    ("begin save", {"end save", "notice"}),
    ("end save", {*(f"begin {stage}" for stage in EXTRA_STAGES), "verdict", "notice"}),
    ("begin half", {"end half", "notice"}),
    ("end half", {"begin callback", "begin output_type", "verdict", "notice"}),
    ("verdict", set()),
)
AGAIN: tuple[tuple[str, set[str]], ...] = (
    ("", {"begin reload", "loaded", "verdict"}),
    ("begin reload", {"end reload", "loaded"}),
    ("end reload", {"begin repeat", "loaded", "verdict"}),
    ("loaded", {"begin repeat", "verdict"}),
    ("begin repeat", {"end repeat", "repeat"}),
    ("repeat", {"end repeat", "repeat"}),
    ("end repeat", {"verdict"}),
    ("verdict", set()),
)


class Told(Transcript):
    """A transcript, and the challenge that its process was given."""

    challenge = ""


def told(expected: tuple[Any, ...], names: list[str], room: Place) -> Told:
    """A transcript that has taken those events."""
    transcript = Told(expected, lambda _: None, references(room))
    for name in names:
        reply = transcript.add({"challenge": transcript.challenge, **EVENTS[name]})
        if reply and "challenge" in reply:
            transcript.challenge = reply["challenge"]
    return transcript


@pytest.mark.parametrize(("expected", "script"), [(FIRST_STAGES, FIRST), (AGAIN_STAGES, AGAIN)], ids=["first", "again"])
def test_nothing_out_of_turn(
    expected: tuple[Any, ...], script: tuple[tuple[str, set[str]], ...], room: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeptReferences, "keep", lambda *_: "")
    names = [name for name, _ in script if name]
    for number, (_, allowed) in enumerate(script):
        taken = set()
        for name, event in EVENTS.items():
            transcript = told(expected, names[:number], room)
            try:
                transcript.add({"challenge": transcript.challenge, **event})
            except ProtocolError:
                continue
            taken.add(name)
        assert taken == allowed, f"after {names[:number]}"
    assert told(expected, names, room).complete


@pytest.mark.parametrize("challenge", ["", "0" * 32, None, 1])
def test_no_event_without_the_challenge(challenge: object, room: Place) -> None:
    transcript = told(FIRST_STAGES, ["begin reference", "end reference", "begin import", "end import", "loaded"], room)
    for event in EVENTS.values():
        with pytest.raises(ProtocolError):
            transcript.add({**event, "challenge": challenge})
    with pytest.raises(ProtocolError):
        transcript.add(begin("load"))


def test_no_pass_without_the_challenge(room: Place) -> None:
    for expected, script in ((FIRST_STAGES, FIRST), (AGAIN_STAGES, AGAIN)):
        names = [name for name, _ in script if name and name != "loaded"]
        assert not told(expected, names, room).complete


def test_what_a_file_may_forge(room: Place) -> None:
    """From the beginning of the import on, and nothing before."""
    names = ["begin reference", "end reference", "begin import"]
    assert [told(FIRST_STAGES, names[:number], room).imported for number in range(4)] == [False, False, False, True]
    assert told(AGAIN_STAGES, [], room).imported


def test_attempts_are_counted(room: Place) -> None:
    transcript = told(FIRST_STAGES, [name for name, _ in FIRST[1:9]], room)
    challenge = transcript.challenge
    for _ in range(MAX_ATTEMPTS):
        transcript.add({"challenge": challenge, **EVENTS["again"]})
    assert [stage.name for stage in transcript.stages] == ["reference", "import"]
    with pytest.raises(ProtocolError):
        transcript.add({"challenge": challenge, **EVENTS["again"]})


@pytest.mark.parametrize(
    "odd",
    [
        {"asked": {"steps": 1 << 60}},
        {"asked": {"steps": 0}},
        {"asked": {"steps": 0.5}},
        {"asked": {"heads": 2}},
        {"asked": [["steps", 2]]},
        {"also": {"a.b": ""}},
        {"also": {"a": "os.system"}},
        {"give": ["a"] * 201},
        {"give": ["a" * 100]},
        {"give": [[]]},
        {"before": ["__init__()"]},
        {"before": "abc"},
        {"forms": {"image": "pickle"}},
        {"forms": {"image": []}},
        {"no_example": 1},
        {"shortened": None},
    ],
)
def test_changes_are_of_ours(odd: dict[str, Any], room: Place) -> None:
    transcript = told(FIRST_STAGES, [name for name, _ in FIRST[1:8]], room)
    with pytest.raises(ProtocolError):
        transcript.add({"challenge": "", **EVENTS["again"], "changes": {**CHANGES, **odd}})
    assert transcript.attempts == []


@pytest.mark.parametrize("key", ["../x", "/etc", "a/b", "", ".", "..", "A", "a\n", "a" * 200, 5, None, ["a"], "ä"])
def test_keys_and_names_are_no_paths(key: Any, room: Place) -> None:
    for event in (
        {"event": "reference", "key": key},
        {**EVENTS["built"], "key": key},
        {**EVENTS["built"], "name": key},
    ):
        with pytest.raises(ProtocolError):
            told(FIRST_STAGES, ["begin reference"], room).add({"challenge": "", **event})
    assert os.listdir(room.directory) == ["work"]


def test_a_reference_is_kept_once(room: Place) -> None:
    held = references(room)
    assert held.find("ddpm-1") == ""
    path = held.keep("ddpm-1", "reference")
    assert path == str(room.directory / "references" / "ddpm-1") == held.find("ddpm-1")
    (room.directory / "work" / "other").mkdir()
    (room.directory / "work" / "other" / "file").touch()
    assert held.keep("ddpm-1", "other") == ""
    assert os.listdir(path) == ["model_index.json"]


def test_what_is_not_kept(room: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = room.directory / "work"
    (work / "link").symlink_to(work / "reference")
    (work / "file").touch()
    assert [references(room).keep("ddpm-1", name) for name in ("link", "file", "nothing")] == ["", "", ""]
    assert references(room, keeps=False).keep("ddpm-1", "reference") == ""
    assert references(Place(tmp_path, landlocked=False)).keep("ddpm-1", "reference") == ""
    monkeypatch.setattr(kept, "_MOST_BYTES", 1)
    assert references(room).keep("ddpm-1", "reference") == ""
    monkeypatch.setattr(kept, "_MOST_BYTES", 100)
    monkeypatch.setattr(kept, "_MOST_IN_ALL", 3)
    assert references(room).keep("ddpm-1", "reference")
    (work / "second").mkdir()
    (work / "second" / "file").write_text("{}")
    assert references(room).keep("ddpm-2", "second") == ""
