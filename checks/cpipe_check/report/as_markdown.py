"""The report as GitHub-flavoured Markdown, for the comment on a pull request and the summary of a job."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from cpipe_check import __version__
from cpipe_check.finding import Severity
from cpipe_check.report.markdown import block, cell, code, folded, inline, prose
from cpipe_check.report.markdown_file import details
from cpipe_check.report.markdown_fold import rooms
from cpipe_check.report.model import STATIC_ONLY, Compatibility, FileReport, Report, Verdict
from cpipe_check.report.outcome import Outcome, breaks, failed_stage, headline, outcome, worst
from cpipe_check.report.wording import runs
from cpipe_check.text import inert_in_logs

__all__ = ["details", "headline", "next_step", "render", "rooms", "table", "title"]

_ICONS = {
    Outcome.NO_LOAD: "❌",
    Outcome.FAILS: "❌",
    Outcome.WARNED: "⚠️",
    Outcome.NOT_RUN: "❔",
    Outcome.FINE: "✅",
}
_BAD = (Outcome.NO_LOAD, Outcome.FAILS, Outcome.WARNED)
_MAX_ROWS = 100
_MAX_DETAILS = 20
_MAX_NAMED = 8
_MAX_NOTES = 20


def render(report: Report, _colour: bool = False) -> str:
    """Return the report as Markdown: what it came to, a table of the files, and what is wrong with each.

    Nothing in it is what GitHub's runner takes for a command.
    """
    blocks = [title(report), *_problems(report)]
    if report.files:
        blocks += [table(report.files), next_step(report)]
    told = [file for file in by_outcome(report.files) if outcome(file) is not Outcome.FINE or file.findings]
    blocks += [details(file) for file in told[:_MAX_DETAILS]]
    if len(told) > _MAX_DETAILS:
        blocks.append(f"**And {len(told) - _MAX_DETAILS} more files** of the table, which are not shown here.")
    blocks += [*_skipped(report), _footer(report)]
    return inert_in_logs("\n\n".join(filter(None, blocks))) + "\n"


def title(report: Report) -> str:
    """Return the headline as a heading, with a sign for its tone."""
    icon = _ICONS[worst(report.files)] if report.files and not report.problems else "⚠️"
    return f"### {icon} {headline(report)}"


def by_outcome(files: Sequence[FileReport]) -> list[FileReport]:
    """Return the files in the order in which they are shown: the worst first, else as they were given."""
    order = list(Outcome)
    return sorted(files, key=lambda file: order.index(outcome(file)))


def table(files: Sequence[FileReport], before: Mapping[str, Compatibility | None] | None = None) -> str:
    """Return a table with a row for each file, the worst first.

    `before` says by path on which releases each file loaded before the change; one that it does not have, or has None
    for, is new.
    """
    head = ["File", "Loads on diffusers", *(["Before"] if before is not None else []), "Static check", "Smoke-load"]
    rows = [head, ["---"] * len(head)]
    for file in by_outcome(files)[:_MAX_ROWS]:
        was = [] if before is None else [_before(file.compatibility, before.get(file.path))]
        name = f"{_ICONS[outcome(file)]}&nbsp;{code(file.path)}"
        # Where it can be imported says nothing when it cannot be made.
        loads = "**none**, `__init__` fails" if "init" in breaks(file) else _loads_on(file.compatibility)
        rows.append([name, loads, *was, _static(file), _smoke(file)])
    text = "\n".join(f"| {' | '.join(map(cell, row))} |" for row in rows)
    more = len(files) - _MAX_ROWS
    return f"{text}\n\nAnd {more} more files, none worse than those." if more > 0 else text


def _before(now: Compatibility, was: Compatibility | None) -> str:
    if was is None:
        return "new file"
    return "the same" if was.ranges == now.ranges else _loads_on(was)


def _loads_on(compatibility: Compatibility) -> str:
    found = compatibility.ranges.get("diffusers", ())
    if not found:
        return "cannot tell" if compatibility.loads is None else "**none**"
    text = inline(runs(found))
    others = compatibility.ranges.get("transformers", ())
    if others and (others[0].before or others[-1].after or len(others) > 1):
        text += f"<br>and transformers {inline(runs(others))}"
    return text


def _static(file: FileReport) -> str:
    if file.static != "findings":
        return file.static
    counts = {severity: sum(f.severity is severity for f in file.findings) for severity in Severity}
    return ", ".join(f"{n} {each.value}{'s' if n > 1 else ''}" for each, n in counts.items() if n)


def _smoke(file: FileReport) -> str:
    smoke = file.smoke
    stage = failed_stage(file)
    if stage:
        return f"**failed** in {inline(stage)}"
    if smoke.verdict is Verdict.RAN:
        return f"ran in {sum(each.seconds for each in smoke.stages):.1f} s"
    return "**failed**" if smoke.verdict is Verdict.FAILED else "not run"


def next_step(report: Report) -> str:
    """Return what its author is to do now, and how to see the same on another machine; "" when nothing is wrong."""
    files = [file for file in by_outcome(report.files) if outcome(file) in _BAD]
    if files:
        said = "**What to do:** mend what is listed below, then check on your machine that nothing is left:"
    else:
        files = [file for file in report.files if outcome(file) is Outcome.NOT_RUN]
        said = "**Nothing wrong was found, but not everything was tried:** see below. The same on your machine:"
    if not files:
        return ""
    return f"{said}\n\n{block(chr(10).join(_commands(files)), 'sh')}"


def _commands(files: Sequence[FileReport]) -> Iterator[str]:
    options = ["--static"] if all(file.smoke == STATIC_ONLY for file in files) else []
    paths = [file.path.replace("\n", " ") for file in files[:_MAX_NAMED]]
    options += ["--"] if any(path.startswith("-") for path in paths) else []
    yield f"pip install {'cpipe-check' if '--static' in options else shlex.quote('cpipe-check[smoke]')}"
    yield shlex.join(["cpipe-check", *options, *paths])
    codes = [finding.code for file in files for finding in file.findings]
    if codes:
        yield f"{shlex.join(['cpipe-check', '--explain', codes[0]])}   # more about a finding, by its code"


def _problems(report: Report) -> Iterator[str]:
    if report.problems:
        yield "\n".join(f"- {prose(problem)}" for problem in report.problems[:_MAX_NOTES]) + _more(report.problems)


def _skipped(report: Report) -> Iterator[str]:
    if report.skipped:
        count = len(report.skipped)
        lines = [f"- {code(path)}: {prose(reason)}" for path, reason in report.skipped[:_MAX_NOTES]]
        yield folded(f"{count} file{'s' if count > 1 else ''} passed over", "\n".join(lines) + _more(report.skipped))


def _more(items: Sequence[object]) -> str:
    return f"\n- and {len(items) - _MAX_NOTES} more" if len(items) > _MAX_NOTES else ""


def _footer(report: Report) -> str:
    facts = [f"cpipe-check {__version__}"]
    targets = {(file.compatibility.diffusers, file.compatibility.transformers) for file in report.files}
    for diffusers, transformers in sorted(targets)[:1]:
        named = (("diffusers", diffusers), ("transformers", transformers))
        releases = [f"{library} {inline(release)}" for library, release in named if release]
        facts += [f"checked for {' and '.join(releases)}"] if releases else []
    ran = "smoke-load: loaded, called, saved and reloaded"
    facts += [f"{ran} {room}" for room in rooms(report.files)]
    return f"<sub>{' · '.join(facts)}</sub>"
