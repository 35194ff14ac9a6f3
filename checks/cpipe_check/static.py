"""The static check: facts through the rules, to findings."""

from __future__ import annotations

from collections.abc import Sequence

from cpipe_check.finding import Edit, Finding, Fix, Span
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.positions import locate
from cpipe_check.rules import RULES, Rule
from cpipe_check.rules.base import Problem


def findings(file: PipelineFile, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """Return what `rules` find in `file`, in the order of the text."""
    problems = [(rule, problem) for rule in rules for problem in rule.check(file)]
    nodes = [problem.at for _, problem in problems if not isinstance(problem.at, Span)]
    spans = locate(file.module, nodes) if nodes and file.module is not None else {}
    found = []
    for rule, problem in problems:
        span = problem.at if isinstance(problem.at, Span) else spans[problem.at]
        found.append(_finding(rule, problem, span))
    return tuple(sorted(found, key=lambda f: (f.span, f.code)))


def _finding(rule: Rule, problem: Problem, span: Span) -> Finding:
    fix = None
    if problem.replacement is not None:
        fix = Fix(problem.advice, (Edit(span, problem.replacement),))
    return Finding(
        code=rule.code,
        name=rule.name,
        severity=rule.severity,
        message=problem.message,
        span=span,
        label=problem.label,
        breaks=rule.breaks,
        consequence=problem.consequence,
        advice=problem.advice,
        fix=fix,
    )
