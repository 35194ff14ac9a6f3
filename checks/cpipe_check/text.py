"""Making text from a pipeline file, or from the process that ran it, inert before it enters the report."""

from __future__ import annotations

import re
import unicodedata
from typing import NewType

# Text that is safe to show. The report's model takes no other, and only the functions of this module make it.
CleanText = NewType("CleanText", str)
EMPTY = CleanText("")

# Of a sequence without an end only the beginning: it would hide all that follows.
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)"
)
_RUNNER_COMMAND = re.compile(r"^(\s*)::", re.MULTILINE)
# Control, format (bidi marks among them), surrogate, private, unassigned, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, limit: int = 2000) -> CleanText:
    """Return `text` with escape sequences removed and unprintable characters replaced, at most `limit` characters.

    Line feeds and tabs stay. Every other control or bidirectional character becomes U+FFFD, so that nothing in a file
    can move the cursor, recolour the terminal or reorder what the reader sees.
    """
    text = text[: limit * 4].replace("\r\n", "\n").replace("\r", "\n")
    text = _replaced(_ESCAPE_SEQUENCE.sub("", text), kept="\n\t")
    return CleanText(text if len(text) <= limit else text[: limit - 1] + "…")


def clean_line(text: str, limit: int = 2000) -> CleanText:
    """Return `text` cleaned and on one line: line feeds and tabs become spaces."""
    return CleanText(clean(text, limit).replace("\n", " ").replace("\t", " "))


def clean_source_line(line: str, limit: int = 20_000) -> CleanText:
    """Return a line of source, cut after `limit` characters, with each unprintable character replaced by exactly one.

    Columns in it stay what they were. Tabs stay; the line's ending goes.
    """
    return CleanText(_replaced(line[:limit].rstrip("\r\n"), kept="\t"))


def shortened(text: str, limit: int = 300) -> str:
    """Return the beginning of a text that is longer than `limit` characters, with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def inert_in_logs(text: str) -> str:
    """Return `text` with nothing in it that GitHub's runner takes for a command.

    It obeys `::` at the start of a trimmed line and `##[` anywhere in one.
    """
    return _RUNNER_COMMAND.sub(r"\1: :", text).replace("##[", "# #[")


def _replaced(text: str, kept: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c in kept or unicodedata.category(c) not in _UNPRINTABLE else "\ufffd" for c in text)
