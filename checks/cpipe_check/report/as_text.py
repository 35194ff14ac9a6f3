"""The report as text for a terminal, a log or a pipe."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cpipe_check.finding import Finding, Severity
from cpipe_check.report.code_frame import excerpt
from cpipe_check.report.model import Compatibility, FileReport, Report, Smoke, Verdict
from cpipe_check.report.wording import FAILS, basis, runs, where
from cpipe_check.text import inert_in_logs, shortened

_COLOURS = {
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
    Severity.INFO: "cyan",
    Verdict.FAILED: "red",
    Verdict.NOT_RUN: "yellow",
    Verdict.RAN: "green",
}
_MAX_SKIPPED = 5


def render(report: Report, colour: bool = False) -> str:
    """Return the report as text: findings with their code frames, then two lines a file."""
    lines = [line for file in report.files for line in (*_file(file, report.rules), "")]
    lines.extend(_skipped(report))
    lines.extend(_summary(report))
    text = "\n".join(lines).rstrip("\n")
    # Colours go first: a path may begin with a command.
    text = inert_in_logs(text if colour else click.unstyle(text))
    return text + "\n" if text else ""


def _file(file: FileReport, rules: int) -> Iterator[str]:
    for finding in file.findings:
        yield from _finding(file, finding)
        yield ""
    names = ", ".join(c.name for c in file.components)
    shown = f"  {file.pipeline_class}({names})" if file.pipeline_class else ""
    yield click.style(shortened(file.path), bold=True) + shortened(shown)
    yield f"  static   {_static(file, rules)}"
    yield from _smoke(file)


def _static(file: FileReport, rules: int) -> str:
    if file.static == "cannot tell":
        return click.style("cannot tell", fg="yellow") + f": {file.unknown}"
    if file.static == "ok":
        return click.style("ok", fg="green") + f"     {rules} rules · {_loads_on(file.compatibility)}"
    counts = {severity: sum(f.severity is severity for f in file.findings) for severity in Severity}
    counted = ", ".join(
        click.style(f"{n} {severity.value}{'s' if n > 1 else ''}", fg=_COLOURS[severity])
        for severity, n in counts.items()
        if n
    )
    return f"{counted} · {_loads_on(file.compatibility)}"


def _loads_on(compatibility: Compatibility) -> str:
    """On one line: the releases of diffusers, and those of transformers where not all of them do."""
    found = compatibility.ranges.get("diffusers", ())
    if not found:
        return "loads on no release of diffusers"
    text = f"loads on diffusers {runs(found)}"
    others = compatibility.ranges.get("transformers", ())
    if others and (others[0].before or others[-1].after or len(others) > 1):
        text += f", transformers {runs(others)} (sampled)"
    return text


def _finding(file: FileReport, finding: Finding) -> Iterator[str]:
    span = finding.span
    severity = click.style(finding.severity.value, fg=_COLOURS[finding.severity])
    code = click.style(finding.code, bold=True)
    yield f"{shortened(file.path)}:{span.line}:{span.column}: {code} {severity}: {shortened(finding.message)}"
    margin = " " * len(str(span.line))
    yield from _code_frame(file.lines.get(span.line, ""), finding, margin)
    if finding.consequence:
        yield f"{margin} = {FAILS.get(finding.breaks, 'it')} fails with: {shortened(finding.consequence)}"
    if finding.advice:
        yield f"{margin} = {'fix [*]' if finding.fix else 'help'}: {shortened(finding.advice)}"


def _code_frame(source: str, finding: Finding, margin: str) -> Iterator[str]:
    """Yield the source line with the span marked."""
    shown = excerpt(source, finding.span)
    if shown is None:
        return
    yield f"{margin} |"
    yield f"{finding.span.line} | {shown.before}{shown.marked}{shown.after}"
    marks = "^" * max(1, len(shown.marked))
    yield f"{margin} | {' ' * len(shown.before)}{marks} {shortened(finding.label)}".rstrip()
    yield f"{margin} |"


def _notes(smoke: Smoke) -> Iterator[str]:
    for notice in smoke.notices:
        yield f"           {click.style('note', fg='cyan')} in {notice.stage}: {shortened(notice.text)}"


def _smoke(file: FileReport) -> Iterator[str]:
    smoke = file.smoke
    verdict = click.style(f"{smoke.verdict.value:7}", fg=_COLOURS[smoke.verdict])
    if smoke.verdict is Verdict.RAN:
        yield f"  smoke    {verdict}{shortened(_ran(smoke))}"
        yield from _tried(smoke)
        yield from _notes(smoke)
        return
    setting = " · ".join(part for part in (smoke.reference, smoke.device) if part)
    yield f"  smoke    {verdict} {shortened(smoke.reason)}" + (f" ({shortened(setting)})" if setting else "")
    yield from _tried(smoke)
    yield from _notes(smoke)
    for frame in smoke.frames:
        yield f"           {shortened(file.path)}:{frame.line} in {shortened(frame.function)}"
        yield f"             {shortened(frame.code)}"


def _tried(smoke: Smoke) -> Iterator[str]:
    """What was changed after calls that did not take their inputs."""
    if smoke.attempts:
        yield f"           tried    {shortened(' · '.join(attempt.tried for attempt in smoke.attempts))}"


def _ran(smoke: Smoke) -> str:
    seconds = {stage.name: stage.seconds for stage in smoke.stages}
    output = f" -> {smoke.output}" if smoke.output else ""
    times = f"load {seconds.get('load', 0):.1f} s, call {seconds.get('call', 0):.1f} s{output}, save and reload ok"
    return " · ".join((smoke.reference, smoke.device, times))


def _skipped(report: Report) -> Iterator[str]:
    for path, reason in report.skipped[:_MAX_SKIPPED]:
        yield f"skipped {shortened(path)}: {shortened(reason)}"
    more = len(report.skipped) - _MAX_SKIPPED
    if more > 0:
        yield f"skipped {more} more files (all of them are in the JSON report)"


def _basis(report: Report) -> Iterator[str]:
    """Whose word the verdicts are, and what the sandbox was not proven to keep in."""
    for isolation in dict.fromkeys(file.smoke.isolation for file in report.files if file.smoke.isolation.name):
        holes = isolation.not_proven if isolation.name != "none" else ()
        unproven = f"; not proven: {', '.join(holes)}" if holes else ""
        yield f"smoke-load {where(isolation)}, {basis(isolation)}{unproven}"


def _summary(report: Report) -> Iterator[str]:
    yield from _basis(report)
    if len(report.files) > 1:
        bad = sum(file.failed for file in report.files)
        yield f"{len(report.files)} pipeline files checked, {bad or 'none'} with findings"
    if report.fixable:
        yield f"[*] {report.fixable} fixable with `--fix`"
