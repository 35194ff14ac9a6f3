"""The results of a SARIF log: the findings, and the smoke-loads that failed."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from cpipe_check.finding import Edit, Finding, Severity, Span
from cpipe_check.report.model import FileReport, Frame, Report, Verdict
from cpipe_check.report.wording import FAILS

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PLACEHOLDER = re.compile(r"\{(\d+)\}")
_SUMMARY = "The pipeline did not load, run, save or reload."
# The rule that stands after ours: what is found by running the file.
SMOKE: dict[str, Any] = {
    "id": "smoke-load",
    "name": "SmokeLoad",
    "shortDescription": {"text": _SUMMARY},
    "fullDescription": {"text": f"{_SUMMARY} It was run in a sandbox against a tiny reference model."},
    "help": {
        "text": "Run cpipe-check on the file to see the same, with the author's own frames.",
        "markdown": "Run `cpipe-check` on the file to see the same, with the author's own frames.",
    },
    "defaultConfiguration": {"level": "error"},
    "properties": {"tags": ["diffusers", "smoke-load"], "problem.severity": "error"},
}


def results(report: Report, codes: Sequence[str], most: int) -> tuple[list[dict[str, Any]], int]:
    """Return the worst results of all files, at most so many, and how many are left out.

    `codes` are the rules', and `SMOKE` comes after.
    """
    order = list(Severity)
    found = sorted(_found(report, codes), key=lambda pair: order.index(pair[0]))
    return [make() for _, make in found[:most]], max(0, len(found) - most)


def _found(report: Report, codes: Sequence[str]) -> Iterator[tuple[Severity, Callable[[], dict[str, Any]]]]:
    for file in report.files:
        seen: Counter[tuple[str, str]] = Counter()
        if file.smoke.verdict is Verdict.FAILED:
            yield Severity.ERROR, partial(_smoke, file, len(codes))
        for finding in file.findings:
            line = " ".join(file.lines.get(finding.span.line, "").split())
            seen[finding.code, line] += 1
            index = codes.index(finding.code) if finding.code in codes else None
            yield finding.severity, partial(_finding, file, finding, index, line, seen[finding.code, line])


def _finding(file: FileReport, finding: Finding, index: int | None, line: str, occurrence: int) -> dict[str, Any]:
    said: list[str] = [finding.message]
    if finding.consequence:
        said.append(f"{FAILS.get(finding.breaks, 'it')} fails with: {finding.consequence}")
    if finding.advice:
        said.append(f"{'fix' if finding.fix else 'help'}: {finding.advice}")
    result = {
        "ruleId": finding.code,
        **({} if index is None else {"ruleIndex": index}),
        "level": LEVELS[finding.severity],
        "message": {"text": _message("\n".join(said))},
        "locations": [_location(file.path, _region(finding.span))],
        "partialFingerprints": _fingerprint(finding.code, file.path, line, occurrence),
    }
    return {**result, "fixes": [_fix(file.path, finding)]} if finding.fix and finding.fix.edits else result


def _smoke(file: FileReport, index: int) -> dict[str, Any]:
    frames = file.smoke.frames
    line = " ".join(frames[0].code.split()) if frames else file.smoke.reason
    place = _location(file.path, {"startLine": frames[0].line} if frames else {"startLine": 1})
    result = {
        "ruleId": SMOKE["id"],
        "ruleIndex": index,
        "level": "error",
        "message": {"text": _message(f"the smoke-load failed {file.smoke.reason}")},
        "locations": [place],
        "partialFingerprints": _fingerprint(SMOKE["id"], file.path, line, 1),
    }
    return {**result, "stacks": [_stack(file.path, frames)]} if frames else result


def _stack(path: str, frames: tuple[Frame, ...]) -> dict[str, Any]:
    shown = [{"location": {**_location(path, {"startLine": f.line}), "message": {"text": f.function}}} for f in frames]
    return {"message": {"text": "in the author's own file, innermost first"}, "frames": shown}


def _message(text: str) -> str:
    """Escape what a message would take for a placeholder or a link."""
    text = _PLACEHOLDER.sub(r"{{\1}}", text)
    return re.sub(r"([\\\[\]])", r"\\\1", text) if "](" in text else text


def _location(path: str, region: dict[str, int]) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(path), "region": region}}


def _artifact(path: str) -> dict[str, str]:
    native = PurePath(path)
    if native.is_absolute():
        return {"uri": native.as_uri()}
    name = posixpath.normpath(native.as_posix())
    return {"uri": quote(name, safe="/"), "uriBaseId": "%SRCROOT%"}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(path: str, finding: Finding) -> dict[str, Any]:
    assert finding.fix is not None
    change = {"artifactLocation": _artifact(path), "replacements": list(map(_replacement, finding.fix.edits))}
    return {"description": {"text": _message(finding.fix.description)}, "artifactChanges": [change]}


def _replacement(edit: Edit) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}


def _fingerprint(code: str, path: str, line: str, occurrence: int) -> dict[str, str]:
    """A name for a result that stays when lines above it come or go."""
    text = "\0".join((code, posixpath.normpath(PurePath(path).as_posix()), line, str(occurrence)))
    return {"cpipeCheck/v1": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]}
