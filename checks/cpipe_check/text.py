"""Making text from a pipeline file, or from the process that ran it, inert wherever it is shown."""

from __future__ import annotations

import re
import unicodedata

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_].*?(?:\x1b\\|$)|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)", re.DOTALL
)
_RUNNER_COMMAND = re.compile(r"^(\s*)::", re.MULTILINE)
# Control, format (bidi marks among them), surrogate, private, unassigned, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, limit: int = 2000) -> str:
    """Return `text` with escape sequences removed and unprintable characters replaced, at most `limit` characters.

    Line feeds and tabs stay. Every other control or bidirectional character becomes U+FFFD, so that nothing in a file
    can move the cursor, recolour the terminal or reorder what the reader sees.
    """
    text = text[: limit * 4].replace("\r\n", "\n").replace("\r", "\n")
    if not text.isprintable():
        text = _ESCAPE_SEQUENCE.sub("", text)
        text = "".join(c if c in "\n\t" or unicodedata.category(c) not in _UNPRINTABLE else "\ufffd" for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def inert_in_logs(text: str) -> str:
    """Return `text` with nothing in it that GitHub's runner takes for a command.

    It obeys `::` at the start of a trimmed line and `##[` anywhere in one.
    """
    return _RUNNER_COMMAND.sub(r"\1: :", text).replace("##[", "# #[")


def clean_line(text: str, limit: int = 300) -> str:
    """Return `text` cleaned and on one line: line feeds and tabs become spaces."""
    return clean(text.replace("\n", " ").replace("\t", " "), limit)
