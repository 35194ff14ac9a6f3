"""README and CONTRIBUTING say what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cpipe_check.rules import RULES

ROOT = Path(__file__).parent.parent


def test_table_of_rules() -> None:
    rows = re.findall(r"^\| CP\d+ .*\|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert rows == [f"| {r.code} | {r.name} | {r.severity.value} | {r.summary} |" for r in RULES]


def test_contributing_shows_a_rule_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example is run as it stands: its bad case is found, its good one is not."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    source = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    names: dict[str, object] = {}
    exec(compile(source, "CONTRIBUTING.md", "exec"), names)
    rule = names["RULE"]
    from test_rules import found_by

    assert [f.code for f in found_by(rule, rule.bad[0])] == [rule.code]
    assert found_by(rule, rule.good[0]) == ()
    family = [r.code for r in RULES if r.code.startswith(rule.code[:3])]
    assert int(rule.code[2:]) == int(family[-1][2:]) + 1, "the example has the next free number"


def test_changelog_counts_the_rules() -> None:
    assert f"{len(RULES)} rules" in (ROOT / "CHANGELOG.md").read_text()
    assert f"{len(RULES)} rules" in (ROOT / "README.md").read_text()
