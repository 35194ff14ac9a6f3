"""Where nodes stand in the source, computed only for the nodes that somebody asks about.

libcst's own `PositionProvider` costs about twice the parse, since it records every node. Generating the code with a
state that looks up a handful of nodes, and stopping once all are found, costs a few percent of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate

import libcst as cst
from libcst._nodes.internal import CodegenState

from cpipe_check.finding import FILE_START, Span

_NEWLINE = re.compile("\n")


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


def locate(module: cst.Module, nodes: Iterable[cst.CSTNode]) -> dict[cst.CSTNode, Span]:
    """Return the span of each of `nodes` in `module`, without the white space and comments before it.

    A definition or compound statement is marked by its first line. A node that is not part of `module` is given the
    start of the file.
    """
    wanted = list(nodes)
    finder = _Finder(module, wanted)
    if wanted:
        with suppress(_AllFound):
            module._codegen(finder)
    ends = [0, *accumulate(map(len, finder.tokens))]
    source = "".join(finder.tokens)
    lines = line_starts(source)
    return {node: _span(finder.found.get(id(node)), ends, source, lines) for node in wanted}


def _span(tokens: tuple[int, int] | None, ends: list[int], source: str, lines: list[int]) -> Span:
    if tokens is None:
        return FILE_START
    start, end = ends[tokens[0]], ends[tokens[1]]
    text = source[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    return span_of(start, max(start, end), lines, source)


def line_starts(source: str) -> list[int]:
    """Return the offset at which each line of `source` begins."""
    return [0, *(match.end() for match in _NEWLINE.finditer(source))]


def span_of(start: int, end: int, lines: list[int], source: str) -> Span:
    """Return the span of `source[start:end]`; a span over several lines is cut to its first."""
    newline = source.find("\n", start, end)
    if newline != -1:
        end = newline
    line = bisect_right(lines, start)
    column = start - lines[line - 1] + 1
    return Span(line, column, line, column + (end - start))
