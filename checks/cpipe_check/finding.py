"""What a rule has to say: findings, where they are, and how to mend them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from cpipe_check.text import EMPTY, CleanText

# The stage of the real diffusers that a finding says will fail; "" for none.
Breaks = Literal["load", "init", "components", "reload", "repository", ""]


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
    # Code to be written as it is, not text to be shown.
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """One mechanical change that mends a finding."""

    description: CleanText
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a pipeline file.

    `message` says what is wrong, `label` stands under the marked text. `breaks` is the stage of the real diffusers
    that fails and `consequence` what its error says; `advice` is the edit to make.
    """

    code: str
    name: str
    severity: Severity
    message: CleanText
    span: Span
    label: CleanText = EMPTY
    breaks: Breaks = ""
    consequence: CleanText = EMPTY
    advice: CleanText = EMPTY
    fix: Fix | None = None
