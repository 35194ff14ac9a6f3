"""Blocks of metadata in comments, by the rules of PEP 723 (packaging.python.org, "Inline script metadata")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_OPENING = re.compile(r"# /// ([a-zA-Z0-9-]+)")
_CLOSING = "# ///"


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its type, its content without the comment marks, and the line of its opening, right before the content.

    `closed` is False for an opening that no `# ///` answers: by PEP 723 such a block is none.
    """

    type: str
    content: str
    line: int
    closed: bool = True


def blocks(source: str) -> Iterator[Block]:
    """Yield the blocks of a source in order, and of openings without an end the first in every run of comment lines.

    It finds what the regular expression of PEP 723 finds, which takes quadratic time over openings without an end.
    """
    lines = source.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        opening = _OPENING.fullmatch(lines[at])
        if opening is None:
            at += 1
            continue
        end = _end_of_comment(lines, at + 1)
        # Of several, the last ends the block: the others are content.
        closing = next((i for i in range(end - 1, at + 1, -1) if lines[i] == _CLOSING), None)
        if closing is None:
            yield Block(opening[1], "", at + 1, closed=False)
            at = end
        else:
            content = "".join(f"{line[2:]}\n" for line in lines[at + 1 : closing])
            yield Block(opening[1], content, at + 1)
            at = closing + 1


def _end_of_comment(lines: Sequence[str], start: int) -> int:
    """Return the index of the first line from `start` on that cannot stand in a block."""
    return next((i for i in range(start, len(lines)) if lines[i] != "#" and not lines[i].startswith("# ")), len(lines))
