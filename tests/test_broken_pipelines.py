"""The broken pipelines of tests/pipelines/broken: one for every rule, named after it, found through the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import PIPELINES
from cpipe_check.finding import Severity
from cpipe_check.rules import RULES

BROKEN = PIPELINES / "broken"


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.bad], ids=lambda rule: rule.code)
def test_found_by_the_command(command, rule) -> None:
    name = rule.name.replace("-", "_")
    # A broken repository is a directory.
    path = BROKEN / name if rule.code.startswith("CP6") else BROKEN / f"{name}.py"
    done = command("--static", "--output-format", "json", path)
    assert done.code == int(rule.severity is not Severity.INFO)
    (file,) = json.loads(done.out)["files"]
    assert [finding["code"] for finding in file["findings"]] == [rule.code]
    assert file["loads"] is (rule.breaks != "load")


def test_nothing_else_lies_there() -> None:
    names = {rule.name.replace("-", "_") for rule in RULES}
    assert {path.stem for path in BROKEN.iterdir() if path.name != "__pycache__"} - {"beside"} == names


def test_text_of_a_finding(command, tmp_path: Path) -> None:
    """The whole message, as a user sees it."""
    path = BROKEN / "used_before_registered.py"
    done = command("--static", path.name, cwd=BROKEN)
    assert done.out == EXPECTED


EXPECTED = """\
used_before_registered.py:8:34: CP206 error: `self.unet` is used before it is registered
  |
8 |         self.sample_size = float(self.unet.config.sample_size)
  |                                  ^^^^^^^^^ `register_modules` has not run yet
  |
  = loading fails with: AttributeError: 'EarlyPipeline' object has no attribute 'unet'
  = help: call `self.register_modules(...)` first, right after `super().__init__()`

used_before_registered.py  EarlyPipeline(unet, scheduler)
  static   1 error · loads on diffusers 0.4.0 - 0.42.1
  smoke    not run switched off by --static
"""
