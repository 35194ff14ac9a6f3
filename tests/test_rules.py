"""Every rule finds its bad cases and is silent on its good ones; what it promises of real diffusers is so."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from cpipe_check import pipeline_file
from cpipe_check.api_index.target import resolve
from cpipe_check.finding import Edit, Finding, Severity
from cpipe_check.pipeline_file.parsing import with_deep_stack
from cpipe_check.pipeline_file.repository import repository_of
from cpipe_check.rules import RULES, Rule
from cpipe_check.rules.base import Case
from cpipe_check.static import findings

BAD = [pytest.param(rule, case, id=f"{rule.code}-bad{i}") for rule in RULES for i, case in enumerate(rule.bad)]
GOOD = [pytest.param(rule, case, id=f"{rule.code}-good{i}") for rule in RULES for i, case in enumerate(rule.good)]
ERRORS = [param for param in BAD if param.values[0].severity is Severity.ERROR]


def found(case: Case, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    def read(name: str) -> bytes | None:
        text = {**case.siblings, **(case.repository or {})}.get(f"{name.replace('.', '/')}.py")
        return None if text is None else text.encode()

    facts = None
    if case.repository is not None:
        names = frozenset({"my_pipeline.py", *case.repository})
        index = case.repository.get("model_index.json")
        facts = repository_of(names, None if index is None else index.encode())
    return with_deep_stack(
        lambda: findings(
            pipeline_file.read("my_pipeline.py", case.content, read, resolve(), repository=facts),
            rules,
        )
    )


def found_by(rule: Rule, case: Case) -> tuple[Finding, ...]:
    return found(case, [rule])


@pytest.mark.parametrize(("rule", "case"), BAD)
def test_finds_bad_case(rule: Rule, case: Case) -> None:
    assert rule.code in [finding.code for finding in found(case)]


@pytest.mark.parametrize(("rule", "case"), GOOD)
def test_silent_on_good_case(rule: Rule, case: Case) -> None:
    assert rule.code not in [finding.code for finding in found(case)]


@pytest.mark.parametrize(("rule", "case"), ERRORS)
def test_real_diffusers_refuses_bad_case(real_loader, rule: Rule, case: Case) -> None:
    finding = next(finding for finding in found(case) if finding.code == rule.code)
    real = real_loader.load(case.content, dict(case.siblings), repository=case.repository)
    assert real.stage == finding.breaks == rule.breaks
    assert finding.consequence, "an error says what the user will see"
    assert finding.consequence in real.error


@pytest.mark.parametrize(("rule", "case"), GOOD)
def test_real_diffusers_takes_good_case(real_loader, rule: Rule, case: Case) -> None:
    real = real_loader.load(case.content, dict(case.siblings), repository=case.repository)
    assert (real.stage, real.error) == ("", "")


def edited(source: str, edits: Sequence[Edit]) -> str:
    """The source with every edit made, the last one first."""
    starts = [0, *(i + 1 for i, c in enumerate(source) if c == "\n")]
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        first = starts[edit.span.line - 1] + edit.span.column - 1
        last = starts[edit.span.end_line - 1] + edit.span.end_column - 1
        source = source[:first] + edit.text + source[last:]
    return source


FIXABLE = [param for param in BAD if any(f.code == param.values[0].code and f.fix for f in found(param.values[1]))]


@pytest.mark.parametrize(("rule", "case"), FIXABLE)
def test_fix_mends(real_loader, rule: Rule, case: Case) -> None:
    fixes = [f.fix for f in found(case) if f.code == rule.code and f.fix is not None]
    mended = edited(case.content.decode(), fixes[0].edits).encode()
    assert rule.code not in [finding.code for finding in found(Case(mended))]
    assert real_loader.load(mended).stage == ""


def test_codes_are_unique_and_gap_free() -> None:
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))
    families: dict[str, list[int]] = {}
    for code in codes:
        assert re.fullmatch(r"CP[1-7]\d\d", code)
        families.setdefault(code[:3], []).append(int(code[3:]))
    for numbers in families.values():
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_rule_is_documented(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]+", rule.name)
    assert rule.summary.endswith(".")
    assert rule.docs is not None
    assert rule.docs.count("\n") > 2, "say what the user sees and what to do"
    assert rule.bad or rule.name == "placeholder-base", "onnxruntime is installed"
    assert rule.good
