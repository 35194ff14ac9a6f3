"""The static check: facts through the rules, to findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libcst as cst

from cpipe_check.finding import Edit, Finding, Fix, Span
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.positions import first_line, locate
from cpipe_check.rules import RULES, Rule
from cpipe_check.rules.base import Problem
from cpipe_check.text import clean_line


def findings(file: PipelineFile, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """Return what `rules` find in `file`, in the order of the text."""
    problems = [(rule, problem) for rule in rules for problem in rule.check(file)]
    nodes = {problem.at for _, problem in problems if not isinstance(problem.at, Span)}
    nodes |= {node for _, problem in problems for node, _ in problem.edits}
    spans = locate(file.module, nodes) if nodes and file.module is not None else {}
    lines = file.source.split("\n")
    found = (_finding(rule, problem, spans, lines) for rule, problem in problems)
    return tuple(sorted(found, key=lambda f: (f.span, f.code)))


def _finding(rule: Rule, problem: Problem, spans: Mapping[cst.CSTNode, Span], lines: Sequence[str]) -> Finding:
    edits = tuple(Edit(spans[node], text) for node, text in problem.edits)
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
        fix=Fix(advice, edits) if edits else None,
    )
