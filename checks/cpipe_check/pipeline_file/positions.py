"""Where nodes stand in the source, computed only for the nodes that somebody asks about.

libcst's own `PositionProvider` costs about twice the parse, since it records every node. Generating the code with a
state that looks up a handful of nodes, and stopping once all are found, costs a few percent of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate

import libcst as cst
from libcst._nodes.internal import CodegenState

from cpipe_check.finding import FILE_START, Span

_NEWLINE = re.compile("\n")
_CONTINUED = re.compile(r"(?:[ \t\f]*\\\r?\n)+")


class _AllFound(Exception):
    pass


class _Finder(CodegenState):
    """Generates code and notes between which tokens each wanted node stands."""

    def __init__(self, module: cst.Module, wanted: Iterable[cst.CSTNode]) -> None:
        super().__init__(module.default_indent, module.default_newline)
        self.missing = {id(node) for node in wanted}
        self.starts: dict[int, int] = {}
        self.found: dict[int, tuple[int, int]] = {}

    def before_codegen(self, node: cst.CSTNode) -> None:
        if id(node) in self.missing:
            self.starts[id(node)] = len(self.tokens)

    def after_codegen(self, node: cst.CSTNode) -> None:
        key = id(node)
        if key in self.missing:
            self.found.setdefault(key, (self.starts[key], len(self.tokens)))
            self.missing.discard(key)
            if not self.missing:
                raise _AllFound

    @contextmanager
    def record_syntactic_position(
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> Iterator[None]:
        start = len(self.tokens)
        yield
        if id(node) in self.missing:
            self.found[id(node)] = (start, len(self.tokens))


def locate(module: cst.Module, nodes: Iterable[cst.CSTNode], source: str = "") -> dict[cst.CSTNode, Span]:
    """Return the span of each of `nodes` in `module`, without the white space and comments before it.

    `source` is what `module` was parsed from: libcst forgets the empty lines that a backslash continues at its start. A
    node that is not part of `module` is given the start of the file.
    """
    wanted = list(nodes)
    finder = _Finder(module, wanted)
    if wanted:
        with suppress(_AllFound):
            module._codegen(finder)
    forgotten = _CONTINUED.match(source)
    head = forgotten[0] if forgotten else ""
    ends = list(accumulate(map(len, finder.tokens), initial=len(head)))
    text = head + "".join(finder.tokens)
    lines = line_starts(text)
    return {node: _span(finder.found.get(id(node)), ends, text, lines) for node in wanted}


def _span(tokens: tuple[int, int] | None, ends: list[int], source: str, lines: list[int]) -> Span:
    if tokens is None:
        return FILE_START
    start, end = ends[tokens[0]], ends[tokens[1]]
    text = source[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    return span_of(start, max(start, end), lines)


def line_starts(source: str) -> list[int]:
    """Return the offset at which each line of `source` begins."""
    return [0, *(match.end() for match in _NEWLINE.finditer(source))]


def span_of(start: int, end: int, lines: list[int]) -> Span:
    """Return the span of the characters from offset `start` to `end`."""
    line, end_line = bisect_right(lines, start), bisect_right(lines, end)
    return Span(line, start - lines[line - 1] + 1, end_line, end - lines[end_line - 1] + 1)


def first_line(span: Span, source_lines: Sequence[str]) -> Span:
    """Return the part of a span that is on its first line."""
    if span.line == span.end_line or span.line > len(source_lines):
        return span
    return Span(span.line, span.column, span.line, max(span.column, len(source_lines[span.line - 1].rstrip()) + 1))
