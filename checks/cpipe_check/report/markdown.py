"""GitHub-flavoured Markdown that hostile text cannot get out of.

Escaping is not enough: GitHub makes links of mentions, references and addresses in text that Markdown has already done
with. So what is not plainly words stands in code, where GitHub looks for none of them. Long text is cut, but for a
block's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cpipe_check.text import shortened

_SHORTEST_FENCE = 3
# Words and numbers with the punctuation of prose around them, or that alone.
_WORDS = re.compile(
    r"""["'(]*(?:[A-Za-z\u0080-\U0010ffff]+(?:['-][A-Za-z\u0080-\U0010ffff]+)*|[0-9]{1,6}(?:\.[0-9]{1,6})*)?"""
    r"""[.,;:!?)"']*"""
)
# What looks like a commit, and what begins an address.
_REFERENCE = re.compile(r"(?i)(?<![a-z0-9])[0-9a-f]{7,}|www\b|(?:https?|ftp|mailto|xmpp):")
_NUMBERED = re.compile(r"[0-9]+[.)]")
_TRAILING = re.compile(r"[.,;:]*$")
_SIGNS = frozenset({"-", "=", "+", "->", "/"})


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: Literal["plain", "space", "code", "odd"]
    text: str


def code(text: str) -> str:
    """Return text as a code span, "" when there is none. White space is shown as one space."""
    shown = shortened(" ".join(text.split()))
    if not shown:
        return ""
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(text: str, language: str = "") -> str:
    """Return text as a fenced block, its fence longer than any run of backticks in it. It begins a line."""
    fence = "`" * max(_SHORTEST_FENCE, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def inline(text: str) -> str:
    """Return text on one line: plain words as they are, all that Markdown or GitHub might take for more as code."""
    return _joined(_pieces(shortened(text), quoted=False))


def prose(text: str) -> str:
    """Return a message on one line, with what stands in its backticks as code and the rest as `inline` has it."""
    shown = shortened(text)
    return _joined(_pieces(shown, quoted=shown.count("`") % 2 == 0))


def cell(markdown: str) -> str:
    """Return finished Markdown for a table's cell: a bar ends a cell even within code."""
    return markdown.replace("|", "\\|")


def folded(summary: str, *blocks: str) -> str:
    """Return blocks that are shown on a click. `summary` is ours, and HTML."""
    return "\n\n".join((f"<details><summary>{summary}</summary>", *blocks, "</details>"))


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _pieces(text: str, quoted: bool) -> list[_Piece]:
    found: list[_Piece] = []
    for index, part in enumerate(text.split("`") if quoted else [text]):
        if index % 2:
            found += [_Piece("code", part)] if part.strip() else []
        else:
            found += [_Piece("plain", token) for token in re.findall(r"\s+|\S+", part)]
    return [_sorted_out(found, index) for index in range(len(found))]


def _sorted_out(found: list[_Piece], index: int) -> _Piece:
    piece = found[index]
    if piece.kind == "code":
        return piece
    if piece.text.isspace():
        return _Piece("space", " ")
    first = all(before.text.isspace() for before in found[:index])
    alone = all(near.text.isspace() for near in found[max(0, index - 1) : index + 2] if near is not piece)
    sign = piece.text in _SIGNS and alone and not first
    plain = _WORDS.fullmatch(piece.text) and not _REFERENCE.search(piece.text)
    if sign or (plain and not (first and _NUMBERED.fullmatch(piece.text))):
        return piece
    return _Piece("odd", piece.text)


def _joined(pieces: list[_Piece]) -> str:
    return "".join(map(_shown, _merged(pieces))).strip()


def _shown(piece: _Piece) -> str:
    if piece.kind == "odd":
        # The punctuation after it is the sentence's.
        end = _TRAILING.search(piece.text)
        assert end is not None
        return code(piece.text[: end.start()]) + end[0]
    return code(piece.text) if piece.kind == "code" else piece.text


def _merged(pieces: list[_Piece]) -> Iterator[_Piece]:
    """Make one of code that touches, which would be another code span, and of odd words one after the other."""
    held: list[_Piece] = []
    for piece in pieces:
        held.append(piece)
        match held:
            case [_Piece("code" | "odd"), _Piece("code" | "odd")]:
                kind: Literal["code", "odd"] = "odd" if held[0].kind == held[1].kind == "odd" else "code"
                held = [_Piece(kind, held[0].text + held[1].text)]
            case [_Piece("odd", before), _Piece("space"), _Piece("odd", after)]:
                held = [_Piece("odd", f"{before} {after}")]
            case [_Piece("code" | "odd")] | [_Piece("odd"), _Piece("space")]:
                pass
            case [*done, _Piece("code" | "odd") as last]:
                yield from done
                held = [last]
            case _:
                yield from held
                held = []
    yield from held
