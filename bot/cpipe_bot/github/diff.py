"""Which lines a review comment may stand at: those of the diff, as GitHub gives it for each file."""

from __future__ import annotations

import re

_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def lines_in(patch: str) -> frozenset[int]:
    """Return the lines of the new file that a file's patch shows: those added, and those around them."""
    found: set[int] = set()
    line = 0
    for text in patch.split("\n"):
        hunk = _HUNK.match(text)
        if hunk:
            line = int(hunk[1])
        elif text[:1] in {"+", " "} and line:
            found.add(line)
            line += 1
    return frozenset(found)
