"""The static check: facts through the rules, to findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libcst as cst

from cpipe_check.finding import Edit, Finding, Fix, Span
from cpipe_check.noqa import unsilenced
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.positions import first_line, locate
from cpipe_check.rules import RULES, Rule
from cpipe_check.rules.base import Change, Problem
from cpipe_check.text import clean_line


def findings(file: PipelineFile, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """Return what `rules` find in `file` and its `# noqa` comments do not silence, in the order of the text."""
    return unsilenced(file, every_finding(file, rules))


def every_finding(file: PipelineFile, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """Return what `rules` find in `file`, silenced or not, in the order of the text."""
    problems = [(rule, problem) for rule in rules for problem in rule.check(file)]
    nodes = {problem.at for _, problem in problems if not isinstance(problem.at, Span)}
    nodes |= {change.at for _, problem in problems for change in problem.changes}
    spans = locate(file.module, nodes, file.source) if nodes and file.module is not None else {}
    lines = file.source.split("\n")
    found = (_finding(rule, problem, spans, lines) for rule, problem in problems)
    return tuple(sorted(found, key=lambda f: (f.span, f.code)))


def _finding(rule: Rule, problem: Problem, spans: Mapping[cst.CSTNode, Span], lines: Sequence[str]) -> Finding:
    edits = _edits(problem, spans, lines)
    advice = clean_line(problem.advice)
    return Finding(
        code=rule.code,
        name=rule.name,
        severity=rule.severity,
        message=clean_line(problem.message),
        span=first_line(problem.at if isinstance(problem.at, Span) else spans[problem.at], lines),
        label=clean_line(problem.label),
        breaks=rule.breaks,
        consequence=clean_line(problem.consequence),
        advice=advice,
        fix=Fix(advice, tuple(edits)) if edits else None,
    )


def _edits(problem: Problem, spans: Mapping[cst.CSTNode, Span], lines: Sequence[str]) -> list[Edit]:
    """All of the problem's changes, or none."""
    edits = [_edit(change, spans[change.at], lines) for change in problem.changes]
    fitting = [edit for edit in edits if edit is not None]
    return fitting if len(fitting) == len(edits) else []


def _edit(change: Change, span: Span, lines: Sequence[str]) -> Edit | None:
    """The change as text, with lines like those around it; None where it needs lines of its own and has none."""
    first, last = lines[span.line - 1], lines[span.end_line - 1]
    if len(change.lines) == 1 and not change.above:
        return Edit(span, change.lines[0])
    indent, behind = first[: span.column - 1], last[span.end_column - 1 :].strip()
    if indent.strip() or not (change.above or not behind or behind.startswith("#")):
        return None
    newline = "\r\n" if first.endswith("\r") else "\n"
    text = (newline + indent).join(change.lines)
    if change.above:
        return Edit(Span(span.line, span.column, span.line, span.column), text + newline + indent)
    return Edit(span, text)
