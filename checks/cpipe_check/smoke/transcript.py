"""What a smoke-load's process reports, as the checker takes it: event by event, nothing out of turn."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from cpipe_check.report.model import Attempt, Notice, Stage, StageName
from cpipe_check.sandbox.frames import ProtocolError
from cpipe_check.smoke.attempts import MAX_ATTEMPTS, Changes, changes_from
from cpipe_check.smoke.kept import KeptReferences
from cpipe_check.text import EMPTY, CleanText, clean_line

FIRST_STAGES: tuple[StageName, ...] = ("reference", "import", "load", "components", "call", "output", "save")
AGAIN_STAGES: tuple[StageName, ...] = ("reload", "repeat")
# Those that no verdict rests on.
EXTRA_STAGES: tuple[StageName, ...] = ("batch", "from_pipe", "offload", "half", "callback", "output_type")
STAGES: tuple[StageName, ...] = (*FIRST_STAGES, *EXTRA_STAGES, *AGAIN_STAGES)
# Those that another attempt begins anew.
_REPEATED = ("load", "components", "call")
_MAX_NOTICES = 20


class Transcript:
    """What a task's process reported. Its text is the file's word: cleaned here, and checked for shape.

    `imported` is whether the file's own code may have spoken: from then on all that is reported can be forged.
    """

    def __init__(
        self, expected: tuple[StageName, ...], on_stage: Callable[[str], None], references: KeptReferences
    ) -> None:
        self.stages: list[Stage] = []
        self.running = expected[0]
        self.imported = expected[0] != "reference"
        self.setting: dict[str, CleanText] = {}
        self.choices: tuple[CleanText, ...] = ()
        self.notices: list[Notice] = []
        self.attempts: list[Attempt] = []
        self.changes = Changes()
        self.output = EMPTY
        self.same = False
        self.end: dict[str, Any] | None = None
        self._challenge = ""
        self._expected = expected
        self._order = (*expected, *(EXTRA_STAGES if expected == FIRST_STAGES else ()))
        # Where in the order the stage is that began last, and whether it has not ended.
        self._place, self._open = -1, False
        self._on_stage = on_stage
        self._references = references

    def add(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Take one event and return the reply to it. Anything that is not one of ours is a protocol error."""
        try:
            return self._add(event)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ProtocolError("no event of ours") from None

    def _add(self, event: dict[str, Any]) -> dict[str, Any] | None:
        if self.end is not None or event["challenge"] != self._challenge:
            raise ValueError("an event too many, or made up before its time")
        match event["event"]:
            case "begin":
                self._begin(event["stage"])
            case "end":
                self._end(event)
            case "loaded" if self.imported and not self._challenge:
                self._challenge = secrets.token_hex(16)
                return {"challenge": self._challenge}
            case "reference" if not self.imported:
                return {"path": self._references.find(event["key"])}
            case "built" if not self.imported:
                return {"path": self._references.keep(event["key"], event["name"])}
            case "setting" if not self.imported:
                self.setting = {key: clean_line(str(event[key]), 100) for key in ("reference", "device")}
                self.choices = tuple(clean_line(str(choice), 200) for choice in event["choices"][:100])
            case "again" if self.running in _REPEATED and not self._open and len(self.attempts) < MAX_ATTEMPTS:
                self._begin_again(event)
            case "notice" if self.imported and len(self.notices) < _MAX_NOTICES:
                name = self._order[self._order.index(event["stage"])]
                self.notices.append(Notice(name, clean_line(str(event["text"]), 400)))
            case "output" if self._is_in("output"):
                self.output = clean_line(str(event["text"]), 200)
            case "repeat" if self._is_in("repeat"):
                self.same = event["same"] is True
            case "verdict" if not self._open:
                self.end = event
            case _:
                raise ValueError("unknown event, or out of turn")
        return None

    def _begin(self, name: str) -> None:
        """Stages follow each other in their order, and none but an extra one is left out."""
        place = self._order.index(name)
        left_out = self._order[self._place + 1 : place]
        if self._open or place <= self._place or not set(left_out) <= set(EXTRA_STAGES):
            raise ValueError("a stage out of turn")
        self._place, self._open, self.running = place, True, self._order[place]
        self.imported = self.imported or self.running != "reference"
        self._on_stage(self.running)

    def _end(self, event: dict[str, Any]) -> None:
        if not self._is_in(event["stage"]):
            raise ValueError("the end of another stage")
        numbers = [_bytes(event[name]) for name in ("memory", "device_memory")]
        self.stages.append(Stage(self.running, _seconds(event["seconds"]), event["ok"] is True, *numbers))
        self._open = False

    def _is_in(self, name: str) -> bool:
        return self._open and self.running == name

    def _begin_again(self, event: dict[str, Any]) -> None:
        """Another attempt, after a call that was refused: what its stages came to is forgotten."""
        self.changes = changes_from(event["changes"])
        self.attempts.append(Attempt(clean_line(str(event["why"]), 300), clean_line(str(event["tried"]), 200)))
        self.stages = [stage for stage in self.stages if stage.name in ("reference", "import")]
        self._place = self._order.index("import")

    @property
    def complete(self) -> bool:
        """Whether every stage that the verdict rests on ended well, in order, and the challenge was asked for."""
        passed = tuple(stage.name for stage in self.stages if stage.ok and stage.name not in EXTRA_STAGES)
        return bool(self._challenge) and passed == self._expected


def _bytes(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 50:
        raise ValueError("no number of bytes")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, float) or not 0 <= value < float("inf"):
        raise ValueError("no duration")
    return value
