"""The SARIF report: valid by the standard's schema, its fingerprints stable, hostile text inert."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.finding import Severity, Span
from cpipe_check.report import RENDERERS
from cpipe_check.report.as_sarif import MAX_RESULTS
from cpipe_check.report.model import FileReport, Report
from cpipe_check.rules import RULES
from cpipe_check.submission import collect
from cpipe_check.text import clean, clean_line
from reports import HOSTILE, SNAPSHOTS, filled, realistic, snapshots

jsonschema = pytest.importorskip("jsonschema", reason="needs the test extra")

_SCHEMA = json.loads((SNAPSHOTS / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
_VALIDATOR = jsonschema.Draft4Validator(_SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def run_of(report: Report) -> dict[str, Any]:
    """The run of a report's log, once that has been found valid."""
    text = RENDERERS["sarif"](report, False)
    assert "##[" not in text
    assert not [line for line in text.splitlines() if line.strip().startswith("::")]
    log = json.loads(text)
    _VALIDATOR.validate(log)
    (run,) = log["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def test_snapshot() -> None:
    """One as it comes: `python tests/reports.py` writes it anew."""
    assert snapshots()["report.sarif"] == (SNAPSHOTS / "report.sarif").read_text(encoding="utf-8")
    run_of(realistic())


def test_the_schema_sees_what_is_wrong() -> None:
    log = json.loads(RENDERERS["sarif"](realistic(), False))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not _VALIDATOR.is_valid(log)


def test_rules() -> None:
    rules = run_of(realistic())["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [*(rule.code for rule in RULES), "smoke-load"]
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in rules}
    assert (levels["CP301"], levels["CP402"], levels["CP305"]) == ("error", "warning", "note")
    assert all(rule["help"]["markdown"] and rule["shortDescription"]["text"].endswith(".") for rule in rules)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_valid(text: str) -> None:
    """Codes are ours, so that they alone stay what they are."""
    report = filled(lambda name: "CP301" if name == "code" else f"x{text}x")
    results = run_of(replace(report, files=tuple(map(known_codes, report.files))))["results"]
    assert len(results) == 4
    message = report.files[0].findings[0].message
    assert results[0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    if "{0}" not in message and "](" not in message:
        assert results[1]["message"]["text"].startswith(message)


def known_codes(file: FileReport) -> FileReport:
    return replace(file, findings=tuple(replace(finding, code="CP301") for finding in file.findings))


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_any_text_is_valid(text: str) -> None:
    report = filled(lambda name: text)
    run_of(replace(report, files=tuple(map(known_codes, report.files))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shape [2, 3] and {x}", "shape [2, 3] and {x}"),
        ("{0} and {12}", "{{0}} and {{12}}"),
        ("[a](b) \\", "\\[a\\](b) \\\\"),
    ],
)
def test_messages_have_no_links_and_placeholders(text: str, expected: str) -> None:
    file = realistic().files[2]
    finding = replace(file.findings[0], message=clean(text), consequence=clean(""), advice=clean(""))
    (result,) = run_of(Report((replace(file, findings=(finding,)),)))["results"]
    assert result["message"]["text"] == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("./a/b c.py", {"uri": "a/b%20c.py", "uriBaseId": "%SRCROOT%"}),
        ("a:b.py", {"uri": "a%3Ab.py", "uriBaseId": "%SRCROOT%"}),
        ("100%#?.py", {"uri": "100%25%23%3F.py", "uriBaseId": "%SRCROOT%"}),
        ("été.py", {"uri": "%C3%A9t%C3%A9.py", "uriBaseId": "%SRCROOT%"}),
        ("/x/a.py", {"uri": "file:///x/a.py"}),
    ],
)
def test_paths(path: str, expected: dict[str, str]) -> None:
    file = replace(realistic().files[2], path=clean_line(path))
    result = run_of(Report((file,)))["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == expected


def fingerprints(report: Report) -> list[str]:
    found = [result["partialFingerprints"]["cpipeCheck/v1"] for result in run_of(report)["results"]]
    assert len(set(found)) == len(found)
    return found


def test_fingerprints_outlive_moves(tmp_path: Path) -> None:
    """Lines may come and go above it; the line's text may not change."""
    source = (PIPELINES / "broken" / "module_missing.py").read_text(encoding="utf-8")
    source += "\n\ndef later():\n    pass\n"
    path = tmp_path / "mine.py"

    def of(text: str) -> list[str]:
        path.write_text(text, encoding="utf-8")
        return fingerprints(check(collect([str(path)])))

    before = of(source)
    assert before
    assert of("# a\n\n# b\n" + source) == before
    assert of(source.replace("MultiControlNetModel", "MultiControlNetModel as M", 1)) != before


def test_fingerprints_tell_results_apart() -> None:
    fails, _, file = realistic().files
    twice = replace(file, findings=file.findings[:1] * 3)
    assert len(fingerprints(Report((twice, replace(twice, path=clean_line("b.py")), fails)))) == 7
    moved = replace(fails.smoke.frames[0], line=90)
    again = replace(fails, smoke=replace(fails.smoke, frames=(moved, *fails.smoke.frames[1:])))
    assert fingerprints(Report((again,))) == fingerprints(Report((fails,)))


def test_fixes() -> None:
    result = run_of(realistic())["results"][1]
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "examples/community/my_upscaler.py"
    (replacement,) = change["replacements"]
    assert replacement["deletedRegion"] == {"startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 80}
    assert replacement["insertedContent"]["text"].startswith("from diffusers.models")


def test_the_worst_are_kept() -> None:
    file = realistic().files[2]
    error, warning = file.findings
    findings = [replace(warning, span=Span(i, 1, i, 2)) for i in range(1, MAX_RESULTS + 100)]
    run = run_of(Report((replace(file, findings=(*findings, error)),)))
    assert len(run["results"]) == MAX_RESULTS
    assert run["results"][0]["ruleId"] == "CP301"
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert notes[0]["message"]["text"] == f"100 results are left out: only the {MAX_RESULTS} worst are here"


def test_nothing_skipped_and_problems() -> None:
    empty = run_of(Report(()))
    assert empty["results"] == []
    assert empty["invocations"][0]["executionSuccessful"] is True
    report = Report((), ((clean_line("a.py"), clean_line("no class")),), (clean_line("b.py: no such file"),))
    (invocation,) = run_of(report)["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert [(n["level"], n["message"]["text"]) for n in invocation["toolExecutionNotifications"]] == [
        ("error", "b.py: no such file"),
        ("note", "skipped a.py: no class"),
    ]


def test_unserved_is_told() -> None:
    file = realistic().files[0]
    unserved = replace(file, smoke=replace(file.smoke, unserved=True))
    (invocation,) = run_of(Report((unserved,)))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "was not run" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_levels() -> None:
    file = realistic().files[2]
    findings = tuple(replace(file.findings[0], severity=severity) for severity in reversed(Severity))
    levels = [result["level"] for result in run_of(Report((replace(file, findings=findings),)))["results"]]
    assert levels == ["error", "warning", "note"]


def test_command_writes_it(command, tmp_path: Path) -> None:
    target = tmp_path / "out.sarif"
    broken = PIPELINES / "broken"
    paths = [path for path in sorted(broken.iterdir()) if path.is_dir() or path.suffix == ".py"]
    done = command("--static", "--output-format", "sarif", "--output-file", target, *paths)
    assert (done.code, done.out) == (1, "")
    log = json.loads(target.read_text(encoding="utf-8"))
    _VALIDATOR.validate(log)
    assert {result["ruleId"] for result in log["runs"][0]["results"]} >= {rule.code for rule in RULES}
