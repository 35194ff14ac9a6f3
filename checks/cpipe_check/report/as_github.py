"""The report as workflow commands, of which GitHub's runner makes annotations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cpipe_check.finding import Finding, Severity
from cpipe_check.report.model import FileReport, Report, Verdict
from cpipe_check.report.outcome import headline
from cpipe_check.report.wording import FAILS
from cpipe_check.text import inert_in_logs, shortened

# How many of a kind GitHub shows for a step.
SHOWN = 10
# And how many a log is given, where the rest can be read.
_MOST = 1000

_KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


@dataclass(frozen=True, slots=True)
class _Command:
    kind: str
    properties: dict[str, str]
    message: str


def render(report: Report, _colour: bool = False) -> str:
    """Return a command for each finding and each failed smoke-load, the worst first, then what the run came to."""
    order = list(_KINDS.values())
    found = [command for file in report.files for command in _commands(file)]
    found.sort(key=lambda command: order.index(command.kind))
    counts = [(kind, sum(command.kind == kind for command in found)) for kind in order]
    more = [f"{count - SHOWN} more {kind}s" for kind, count in counts if count > SHOWN]
    summary = f"cpipe-check: {headline(report)}"
    if more:
        summary += f"; GitHub shows {SHOWN} of a kind for a step, and there are {', '.join(more)}"
    problems = [_line(_Command("error", {"title": "cpipe-check"}, shortened(text))) for text in report.problems]
    return "\n".join((*problems, *map(_line, found[:_MOST]), summary)) + "\n"


def _commands(file: FileReport) -> Iterator[_Command]:
    smoke = file.smoke
    if smoke.verdict is Verdict.FAILED:
        place = {"file": file.path, "title": "smoke-load failed"}
        where = ""
        if smoke.frames:
            frame = smoke.frames[0]
            place |= {"line": str(frame.line)}
            where = f"\nat: {shortened(frame.code)}"
        yield _Command("error", place, shortened(smoke.reason) + where)
    for finding in file.findings:
        yield _finding(file, finding)


def _finding(file: FileReport, finding: Finding) -> _Command:
    span = finding.span
    place = {"file": file.path, "line": str(span.line), "endLine": str(span.end_line), "col": str(span.column)}
    # GitHub takes columns only within a line, and counts the last one in.
    if span.end_line == span.line and span.end_column > span.column:
        place["endColumn"] = str(span.end_column - 1)
    elif span.end_line != span.line:
        del place["col"]
    said = [shortened(finding.message)]
    if finding.consequence:
        said.append(f"{FAILS.get(finding.breaks, 'it')} fails with: {shortened(finding.consequence)}")
    if finding.advice:
        said.append(f"{'fix' if finding.fix else 'help'}: {shortened(finding.advice)}")
    return _Command(_KINDS[finding.severity], {**place, "title": f"{finding.code} {finding.name}"}, "\n".join(said))


def _line(command: _Command) -> str:
    """Write a command as actions/toolkit does. What the runner then logs of it is no other command either."""
    properties = ",".join(f"{key}={_property(inert_in_logs(value))}" for key, value in command.properties.items())
    return f"::{command.kind} {properties}::{_data(inert_in_logs(command.message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
