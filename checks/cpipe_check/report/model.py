"""The report: everything known about one run. Renderers read it, nothing else decides anything.

Its text is clean by its type, so that a renderer has nothing to make inert and nothing to forget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from cpipe_check.finding import Finding, Severity
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.selection import FailOn
from cpipe_check.text import EMPTY, CleanText, clean_line

StageName = Literal["reference", "import", "load", "components", "call", "output", "save", "reload", "repeat",
    "batch", "from_pipe", "offload", "half", "callback", "output_type",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Component:
    """An `__init__` parameter that the loader takes for a component. `type` is its annotation's source, or None."""

    name: CleanText
    type: CleanText | None
    required: bool
    registered: bool | None


@dataclass(frozen=True, slots=True)
class Compatibility:
    """On which releases the loader finds the file's pipeline class.

    `loads` is the verdict for the target (None: cannot tell), whose releases are named by `diffusers` and
    `transformers`. `ranges` holds, by library, the releases on which the file loads or may load, from old to new.
    `others` are the other packages that it imports, which count as installed.
    """

    loads: bool | None = None
    diffusers: CleanText = EMPTY
    transformers: CleanText = EMPTY
    ranges: Mapping[str, tuple[LoadRange, ...]] = field(default_factory=dict)
    others: tuple[CleanText, ...] = ()


class Verdict(str, Enum):
    """What a smoke-load came to. There is no "safe" and no "correct"."""

    RAN = "ran"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Stage:
    """One timed stage of a smoke-load.

    `memory` is the most that its process had had by its end, in bytes, and `device_memory` the most of a GPU's that
    tensors took meanwhile; 0 where that is not known.
    """

    name: StageName
    seconds: float
    ok: bool
    memory: int = 0
    device_memory: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of the traceback in the author's own file: its line (from 1), its function and the source line."""

    line: int
    function: CleanText
    code: CleanText


@dataclass(frozen=True, slots=True)
class Notice:
    """What may bite some users, though the file ran: a library's warning, or a stage beyond the verdict that failed."""

    stage: StageName
    text: CleanText


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that did not take the inputs made for it: its error, and what was tried next."""

    why: CleanText
    tried: CleanText


@dataclass(frozen=True, slots=True)
class Isolation:
    """The sandbox of a smoke-load: its kind, what was proven of it by attacks, and what was not.

    `host` is the machine that it stood on, such as `a Hugging Face Job on t4-small`, whose word all this then is; ""
    for the one that checks.
    """

    name: CleanText = EMPTY
    proven: tuple[CleanText, ...] = ()
    not_proven: tuple[CleanText, ...] = ()
    host: CleanText = EMPTY


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail of what a call returned: an image, a video's frames one after the other, or a sound's waveform.

    `pixels` are rows of RGB bytes; for audio the lowest and highest sample of each of `width` columns, where 0 and 255
    are the peak and 127.5 is silence.
    """

    kind: Literal["image", "video", "audio"]
    width: int
    height: int
    frames: int
    pixels: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Smoke:
    """The outcome of a smoke-load, as reported by the file's own process and borne out by what it left.

    `reason` is one line, empty for `ran`. `unserved` is True when something that was asked for by name (a device, a
    reference) could not be had. `frames` are the author's own, innermost first; `output` describes what the call
    returned, `pictures` show it. `choices` tell the class of each component of the reference and why, `attempts` what
    was tried before, `notices` what may bite some users.
    """

    verdict: Verdict
    reason: CleanText = EMPTY
    reference: CleanText = EMPTY
    device: CleanText = EMPTY
    stages: tuple[Stage, ...] = ()
    frames: tuple[Frame, ...] = ()
    output: CleanText = EMPTY
    unserved: bool = False
    isolation: Isolation = Isolation()
    choices: tuple[CleanText, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    notices: tuple[Notice, ...] = ()
    pictures: tuple[Picture, ...] = ()


STATIC_ONLY = Smoke(Verdict.NOT_RUN, clean_line("switched off by --static"))


@dataclass(frozen=True, slots=True)
class FileReport:
    """Everything known about one pipeline file.

    `unknown` says why the static check cannot tell which class the loader would pick, "" when it can. `lines` holds
    the source lines that findings point at, by number.
    """

    path: CleanText
    pipeline_class: CleanText | None
    components: tuple[Component, ...]
    unknown: CleanText
    findings: tuple[Finding, ...]
    compatibility: Compatibility
    smoke: Smoke
    lines: Mapping[int, CleanText] = field(default_factory=dict)

    @property
    def static(self) -> str:
        """What the static check came to: "ok", "findings" or "cannot tell"."""
        if self.findings:
            return "findings"
        return "cannot tell" if self.unknown else "ok"

    @property
    def failed(self) -> bool:
        """True when the file has an error or a warning, or its smoke-load failed."""
        return self.fails("warning")

    def fails(self, on: FailOn) -> bool:
        """Tell whether the file has what makes a run fail."""
        bad = {"error": (Severity.ERROR,), "warning": (Severity.ERROR, Severity.WARNING), "never": ()}[on]
        smoke = on != "never" and self.smoke.verdict is Verdict.FAILED
        return smoke or any(finding.severity in bad for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Report:
    """One run: the files checked, those passed over with the reason, and paths that could not be used.

    `rules` is the number of rules whose findings count, `fail_on` the least that makes the run fail.
    """

    files: tuple[FileReport, ...]
    skipped: tuple[tuple[CleanText, CleanText], ...] = ()
    problems: tuple[CleanText, ...] = ()
    rules: int = 0
    fail_on: FailOn = "warning"

    @property
    def fixable(self) -> int:
        """How many findings carry a fix."""
        return sum(finding.fix is not None for file in self.files for finding in file.findings)

    @property
    def exit_code(self) -> int:
        """The exit code of the run.

        0 clean, 1 findings that `fail_on` names or a failed smoke-load, 2 a path could not be used, 3 something asked
        for could not be done.
        """
        if self.problems:
            return 2
        if any(file.smoke.unserved for file in self.files):
            return 3
        return int(any(file.fails(self.fail_on) for file in self.files))
