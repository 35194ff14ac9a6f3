"""What a file, and a run, came to: the words that a reader sees first."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from cpipe_check.finding import Breaks, Severity
from cpipe_check.report.model import STATIC_ONLY, FileReport, Report, StageName, Verdict


class Outcome(Enum):
    """What a file came to, from worst to best."""

    NO_LOAD = "will not load"
    FAILS = "fails"
    WARNED = "has warnings"
    NOT_RUN = "not run"
    FINE = "fine"


_MANY = {
    Outcome.NO_LOAD: "will not load for other people",
    Outcome.FAILS: "load{s} but fail{s} when used",
    Outcome.WARNED: "{have} warnings",
    Outcome.NOT_RUN: "could not be run here",
}


def outcome(file: FileReport) -> Outcome:
    """Return what a file came to."""
    if (
        file.compatibility.loads is False
        or breaks(file) & {"load", "init", "repository"}
        or failed_stage(file) in ("import", "load")
    ):
        return Outcome.NO_LOAD
    if file.smoke.verdict is Verdict.FAILED or any(f.severity is Severity.ERROR for f in file.findings):
        return Outcome.FAILS
    if file.failed:
        return Outcome.WARNED
    if file.static == "cannot tell" or (file.smoke.verdict is Verdict.NOT_RUN and file.smoke != STATIC_ONLY):
        return Outcome.NOT_RUN
    return Outcome.FINE


def breaks(file: FileReport) -> set[Breaks]:
    """Return the stages of the real diffusers that a file's errors say will fail."""
    return {finding.breaks for finding in file.findings if finding.severity is Severity.ERROR}


def failed_stage(file: FileReport) -> StageName | None:
    """Return the stage in which a file's smoke-load failed, None when it did not."""
    if file.smoke.verdict is not Verdict.FAILED:
        return None
    return next((stage.name for stage in file.smoke.stages if not stage.ok), None)


def worst(files: Sequence[FileReport]) -> Outcome:
    """Return the worst outcome of the files, that of a fine one when there is none."""
    found = {outcome(file) for file in files}
    return next((each for each in Outcome if each in found), Outcome.FINE)


def headline(report: Report) -> str:
    """Return what a run came to as one line of plain words, none of which is a file's."""
    total = len(report.files)
    if not total:
        return "No pipeline was checked"
    found = [outcome(file) for file in report.files]
    counts = {each: found.count(each) for each in _MANY if each in found}
    if not counts:
        return _all_fine(report)
    phrases: list[str] = []
    for each, count in counts.items():
        if total == 1:
            who = "The pipeline"
        elif not phrases:
            who = f"{count} of {total} pipelines"
        else:
            who = str(count)
        one = count == 1
        phrases.append(f"{who} {_MANY[each].format(s='s' if one else '', have='has' if one else 'have')}")
    return ", ".join(phrases)


def _all_fine(report: Report) -> str:
    one = len(report.files) == 1
    who = "The pipeline" if one else f"All {len(report.files)} pipelines"
    if all(file.smoke.verdict is Verdict.RAN for file in report.files):
        return f"{who} load{'s' if one else ''}, run{'s' if one else ''} and save{'s' if one else ''}"
    return f"{who} pass{'es' if one else ''} the static check"
