"""The report as SARIF 2.1.0, for code scanning and the tools that read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cpipe_check import __version__
from cpipe_check.finding import Severity
from cpipe_check.report.model import Report
from cpipe_check.report.sarif_results import LEVELS, SMOKE, results

if TYPE_CHECKING:
    from cpipe_check.rules import Rule

# What GitHub shows of a run; it takes 25,000, of 10 MB when compressed.
MAX_RESULTS = 5000
_MAX_NOTIFICATIONS = 1000
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report, _colour: bool = False) -> str:
    """Return the report as a SARIF log, which has nothing in it that GitHub's runner takes for a command."""
    text = json.dumps(log(report), indent=1, ensure_ascii=True)
    # Only a string can hold these characters, and there this is another spelling of them.
    return text.replace("##[", "##\\u005b") + "\n"


def log(report: Report) -> dict[str, Any]:
    """Return the report as a SARIF log, a JSON-able dictionary. It has the worst results when there are too many."""
    # What a smoke-load's process imports of this package knows no rules.
    from cpipe_check.rules import RULES

    kept, cut = results(report, [rule.code for rule in RULES], MAX_RESULTS)
    run = {
        "tool": {"driver": _driver(RULES)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(report, cut)],
        "results": kept,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver(rules: Sequence[Rule]) -> dict[str, Any]:
    return {
        "name": "cpipe-check",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [*map(_rule, rules), SMOKE],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    text = (rule.docs or "").strip()
    return {
        "id": rule.code,
        "name": "".join(map(str.capitalize, rule.name.split("-"))),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": text.replace("`", "")},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": ["diffusers", rule.name], "problem.severity": _PROBLEM[rule.severity]},
    }


_PROBLEM = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}


def _invocation(report: Report, cut: int) -> dict[str, Any]:
    notes = [_notification("error", problem) for problem in report.problems]
    if cut:
        notes.append(_notification("warning", f"{cut} results are left out: only the {MAX_RESULTS} worst are here"))
    notes += [_not_run(file.path, file.smoke.reason) for file in report.files if file.smoke.unserved]
    notes += [_notification("note", f"skipped {path}: {reason}") for path, reason in report.skipped]
    notes = notes[:_MAX_NOTIFICATIONS]
    invocation = {"executionSuccessful": report.exit_code < 2, "exitCode": report.exit_code}
    return {**invocation, "toolExecutionNotifications": notes}


def _not_run(path: str, reason: str) -> dict[str, Any]:
    return _notification("error", f"{path}: the smoke-load was not run: {reason}")


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text}}
