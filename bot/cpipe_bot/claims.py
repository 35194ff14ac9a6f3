"""What another machine claims: the smoke-loads' outcomes in a `report.json` of its, taken by a strict schema.

It ran a stranger's code and could be told by it to write anything, so all of it is a claim. Findings in it are not even
read: whoever takes the claim finds them anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cpipe_bot.refused import Refused
from cpipe_check.report.as_json import SCHEMA_VERSION
from cpipe_check.report.model import Attempt, Frame, Isolation, Notice, Smoke, Stage, StageName, Verdict
from cpipe_check.text import CleanText, clean_line

_MAX_FILES = 1000
# As much of each list as our own reports ever hold.
_MAX_ITEMS = 200
_MAX_FRAMES = 20
_WEEK = 7 * 24 * 3600.0
_PETABYTE = 1 << 50

_Text = Annotated[str, Field(max_length=20_000)]
_Path = Annotated[str, Field(max_length=4_096)]
_Bytes = Annotated[int, Field(ge=0, le=_PETABYTE)]


class _Strict(BaseModel):
    # New fields may come at any time, by the schema's own words.
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, frozen=True)


class _Stage(_Strict):
    name: StageName
    seconds: Annotated[float, Field(ge=0, le=_WEEK)]
    ok: bool
    memory: _Bytes | None = None
    device_memory: _Bytes | None = None


class _Frame(_Strict):
    line: Annotated[int, Field(ge=1, le=10_000_000)]
    function: _Text
    code: _Text


class _Notice(_Strict):
    stage: StageName
    text: _Text


class _Attempt(_Strict):
    why: _Text
    tried: _Text


class _Isolation(_Strict):
    name: _Text | None = None
    proven: Annotated[list[_Text], Field(max_length=_MAX_ITEMS)] = []
    not_proven: Annotated[list[_Text], Field(max_length=_MAX_ITEMS)] = []
    host: _Text | None = None


class _Smoke(_Strict):
    verdict: Annotated[str, Field(pattern="^(ran|failed|not run)$")]
    reason: _Text
    reference: _Text = ""
    device: _Text
    stages: Annotated[list[_Stage], Field(max_length=_MAX_ITEMS)]
    frames: Annotated[list[_Frame], Field(max_length=_MAX_FRAMES)] = []
    output: _Text
    choices: Annotated[list[_Text], Field(max_length=_MAX_ITEMS)]
    attempts: Annotated[list[_Attempt], Field(max_length=_MAX_ITEMS)]
    notices: Annotated[list[_Notice], Field(max_length=_MAX_ITEMS)]
    unserved: bool = False
    isolation: _Isolation


class _File(_Strict):
    path: _Path
    smoke: _Smoke


class _Tool(_Strict):
    name: Annotated[str, Field(pattern="^cpipe-check$")]
    version: Annotated[str, Field(max_length=100)]


class _Report(_Strict):
    version: Annotated[str, Field(pattern=f"^{SCHEMA_VERSION}$")]
    tool: _Tool
    files: Annotated[list[_File], Field(max_length=_MAX_FILES)]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a job says of the smoke-loads, by path, and which version of the tool it says it is."""

    version: CleanText
    smokes: MappingProxyType[str, Smoke]


def read(content: bytes) -> Claims:
    """Return what a `report.json` claims.

    Raises:
        Refused: when it is no report of ours, or holds more than ours ever do.
    """
    try:
        report = _Report.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise Refused(f"it is no report: {clean_line(where, 100)}: {clean_line(first['msg'], 200)}") from error
    smokes = {file.path: _smoke(file.smoke) for file in report.files}
    return Claims(clean_line(report.tool.version), MappingProxyType(smokes))


def within(smoke: Smoke, content: bytes) -> Smoke:
    """Return a claim without the frames that lie beyond the file's last line. GitHub takes no annotation there."""
    last = content.count(b"\n") + 1
    return replace(smoke, frames=tuple(frame for frame in smoke.frames if frame.line <= last))


def _smoke(claim: _Smoke) -> Smoke:
    return Smoke(
        verdict=Verdict(claim.verdict),
        reason=clean_line(claim.reason),
        reference=clean_line(claim.reference),
        device=clean_line(claim.device),
        stages=tuple(Stage(s.name, s.seconds, s.ok, s.memory or 0, s.device_memory or 0) for s in claim.stages),
        frames=tuple(Frame(f.line, clean_line(f.function), clean_line(f.code)) for f in claim.frames),
        output=clean_line(claim.output),
        # Only of what was not run can it be that something was missing.
        unserved=claim.unserved and claim.verdict == "not run",
        isolation=Isolation(
            clean_line(claim.isolation.name or ""),
            tuple(map(clean_line, claim.isolation.proven)),
            tuple(map(clean_line, claim.isolation.not_proven)),
            clean_line(claim.isolation.host or "", 200),
        ),
        choices=tuple(map(clean_line, claim.choices)),
        attempts=tuple(Attempt(clean_line(a.why), clean_line(a.tried)) for a in claim.attempts),
        notices=tuple(Notice(n.stage, clean_line(n.text)) for n in claim.notices),
    )
