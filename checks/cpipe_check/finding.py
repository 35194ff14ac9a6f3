"""What a rule has to say: findings, where they are, and how to mend them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How sure and how bad. An `error` is proven: real diffusers refuses the file."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range of text. Lines and columns count from 1, columns in characters; the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


FILE_START = Span(1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the text of `span` by `text`. An empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """One mechanical change that mends a finding."""

    description: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a pipeline file.

    `message` says what is wrong, `label` stands under the marked text. `breaks` is the stage of the real diffusers
    that fails ("load", "init", "components", "reload" or "") and `consequence` what its error says; `advice` is the
    edit to make.
    """

    code: str
    name: str
    severity: Severity
    message: str
    span: Span
    label: str = ""
    breaks: str = ""
    consequence: str = ""
    advice: str = ""
    fix: Fix | None = None
