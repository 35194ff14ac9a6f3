"""From a text that holds an example to its statements: prompts, fenced blocks, indented code, and what parses of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_CHARACTERS = 200_000
_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([^\s`]*)")
LANGUAGES = frozenset({"", "py", "python", "python3", "pycon", "{.python}"})
_STRINGS = re.compile(r"\"[^\"\\]*\"|'[^'\\]*'")
_CONTINUES = re.compile(r"[)\]}]|(else|elif|except|finally)\b")
# A longer statement is no example, and deep enough to be dangerous to parse.
_MAX_STATEMENT = 20_000
_MAX_NESTED_PROSE = 6


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a text that may be code, and the number of the first."""

    lines: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Statements that parsed, the lines that they are on, and the number of the first line."""

    body: Sequence[ast.stmt]
    lines: tuple[str, ...]
    line: int


@dataclass(slots=True)
class Allowance:
    """How much may still be parsed; a hostile text would have it done again and again."""

    attempts: int = 2000
    characters: int = 1_000_000


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, as Python counts them, of at most `MAX_CHARACTERS`."""
    return text[:MAX_CHARACTERS].replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ").expandtabs(8).split("\n")


def blocks(text: str, line: int) -> list[Block]:
    """Return the blocks of a docstring that may hold code: its fenced ones, else all of it. `line` is its first's."""
    lines = split_lines(text)
    fenced = list(fences(lines, line))
    return fenced or [Block(tuple(lines), line)]


@dataclass(slots=True)
class FenceReader:
    """Told line after line, knows whether a line stands in a fenced block."""

    mark: str = ""

    def see(self, line: str) -> str:
        """Return "opens", "closes", "code" or "text". A fence of Python opens a block where one was left open too."""
        match = _FENCE.match(line) if line.lstrip()[:1] in ("`", "~") else None
        if not match:
            return "code" if self.mark else "text"
        if not self.mark or (match[2] and match[2].lower() in LANGUAGES):
            self.mark = match[1]
            return "opens"
        if not match[1].startswith(self.mark) or match[2][:1].isalnum():
            return "code"
        self.mark = ""
        return "closes"


def fences(lines: Sequence[str], line: int) -> Iterator[Block]:
    """Yield the fenced blocks of Python among the lines."""
    reader, start = FenceReader(), 0
    wanted = False
    for index, content in enumerate(lines):
        before, seen = reader.mark, reader.see(content)
        if before and wanted and seen in ("opens", "closes"):
            yield Block(tuple(lines[start:index]), line + start)
        if seen == "opens":
            start, wanted = index + 1, (_FENCE.match(content) or [""] * 3)[2].lower() in LANGUAGES
    if reader.mark and wanted:
        yield Block(tuple(lines[start:]), line + start)


def pieces(block: Block, allowance: Allowance) -> Iterator[Piece]:
    """Yield what parses of a block: all of it, or every statement that does."""
    lines = list(block.lines)
    if any(content.lstrip().startswith(">>>") for content in lines):
        lines = _without_prompts(lines)
    yield from _parsed(lines, block.line, allowance, _MAX_NESTED_PROSE)


def _without_prompts(lines: Sequence[str]) -> list[str]:
    """The code after the prompts. Of the other lines those stay that an open bracket or block waits for."""
    found: list[str] = []
    depth, column, in_block = 0, 0, False
    for content in lines:
        stripped = content.lstrip()
        if stripped.startswith((">>>", "...")):
            column = len(content) - len(stripped) + 4
            code = stripped[4:] if stripped[3:4] == " " else stripped[3:]
            in_block = code.rstrip().endswith(":")
        elif (depth > 0 or in_block) and not stripped.startswith("```"):
            code = "    " + stripped if content[:column].strip() else content[column:]
        else:
            code = ""
        depth = max(0, depth + _opened(code))
        found.append(code)
    return found


def _opened(code: str) -> int:
    bare = _STRINGS.sub("", code).partition("#")[0]
    return sum(bare.count(c) for c in "([{") - sum(bare.count(c) for c in ")]}")


def _parsed(lines: list[str], line: int, allowance: Allowance, depth: int) -> Iterator[Piece]:
    lines = _dedented(lines)
    piece = _parse(lines, line, allowance)
    if piece is not None:
        yield piece
        return
    starts = [i for i, content in enumerate(lines) if content[:1].strip() and not _CONTINUES.match(content)]
    position = 0
    while position < len(starts) and allowance.attempts > 0 and allowance.characters > 0:
        start = starts[position]
        for taken in range(1, 4):
            end = starts[position + taken] if position + taken < len(starts) else len(lines)
            piece = _parse(lines[start:end], line + start, allowance)
            if piece is not None or end == len(lines):
                break
        if piece is not None:
            yield piece
            position += taken
            continue
        position += 1
        end = starts[position] if position < len(starts) else len(lines)
        # A line of prose, such as "Example::", with code indented below it.
        if depth and end - start > 1:
            yield from _parsed(lines[start + 1 : end], line + start + 1, allowance, depth - 1)


def _dedented(lines: list[str]) -> list[str]:
    indents = [len(content) - len(content.lstrip()) for content in lines if content.strip()]
    common = min(indents, default=0)
    return [content[common:].rstrip() for content in lines]


def _parse(lines: Sequence[str], line: int, allowance: Allowance) -> Piece | None:
    code = "\n".join(lines)
    allowance.attempts -= 1
    allowance.characters -= len(code)
    if allowance.attempts < 0 or allowance.characters < 0 or len(code) > _MAX_STATEMENT:
        return None
    try:
        return Piece(ast.parse(code).body, tuple(lines), line)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
