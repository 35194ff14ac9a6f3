"""The check run of a pull request's head: a conclusion, a summary, and an annotation for each finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from github.CheckRun import CheckRun
from github.Repository import Repository

from cpipe_bot.github import body
from cpipe_bot.github.outcome import Outcome
from cpipe_check.finding import Finding, Severity
from cpipe_check.report.model import FileReport, Verdict
from cpipe_check.report.wording import FAILS

NAME = "cpipe-check"
# A job of the same name would be a check run of the same name.
_MARK = "cpipe-check:publish"
# GitHub takes so many a call.
_BATCH = 50
_MAX_ANNOTATIONS = 1000
_MAX_TITLE = 255
_MAX_MESSAGE = 4_000
_LEVELS = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.INFO: "notice"}

Annotation = dict[str, str | int]


def write(repository: Repository, outcome: Outcome) -> None:
    """Make the head have one check run of ours that says this. It looks first and may be called again after anything.

    Annotations can only be added to a check run; when one is to go, a new check run takes the old one's place.
    """
    wanted = _annotations(outcome)
    existing = _existing(repository, outcome.head)
    missing = wanted
    if existing is not None:
        present = (
            [_key(each.raw_data) for each in existing.get_annotations()] if existing.output.annotations_count else []
        )
        keys = {_key(each) for each in wanted}
        if any(key not in keys for key in present):
            existing = None
        else:
            missing = [each for each in wanted if _key(each) not in present]
    batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)] or [[]]
    said = {"title": _title(outcome), "summary": body.summary(outcome)}
    for batch in batches:
        output: dict[str, str | list[Annotation]] = {**said, "annotations": batch}
        if existing is None:
            existing = repository.create_check_run(
                NAME, outcome.head, external_id=_MARK, status="completed", conclusion=outcome.conclusion, output=output
            )
        else:
            existing.edit(status="completed", conclusion=outcome.conclusion, output=output)


def _existing(repository: Repository, head: str) -> CheckRun | None:
    runs = repository.get_commit(head).get_check_runs(check_name=NAME, filter="latest")
    return max((run for run in runs if run.external_id == _MARK), key=lambda run: run.id, default=None)


def _title(outcome: Outcome) -> str:
    return body.title(outcome)[:_MAX_TITLE]


def _annotations(outcome: Outcome) -> list[Annotation]:
    """An annotation for each finding and each failed smoke-load, the worst first."""
    found = [each for file in outcome.report.files for each in _of_file(file)]
    order = list(_LEVELS.values())
    return sorted(found, key=lambda each: order.index(str(each["annotation_level"])))[:_MAX_ANNOTATIONS]


def _of_file(file: FileReport) -> Iterator[Annotation]:
    for finding in file.findings:
        span = finding.span
        found: Annotation = {
            "path": file.path,
            "start_line": span.line,
            "end_line": span.end_line,
            "annotation_level": _LEVELS[finding.severity],
            "title": f"{finding.code} {finding.name}"[:_MAX_TITLE],
            "message": _message(finding),
        }
        if span.line == span.end_line:
            found |= {"start_column": span.column, "end_column": max(span.column, span.end_column - 1)}
        yield found
    if file.smoke.verdict is Verdict.FAILED:
        line = file.smoke.frames[0].line if file.smoke.frames else 1
        yield {
            "path": file.path,
            "start_line": line,
            "end_line": line,
            "annotation_level": "failure",
            "title": "the smoke-load failed, as the check job claims",
            "message": file.smoke.reason[:_MAX_MESSAGE] or "no reason was given",
        }


def _message(finding: Finding) -> str:
    parts: list[str] = [finding.message]
    if finding.consequence:
        parts.append(f"{FAILS.get(finding.breaks, 'it')} fails with: {finding.consequence}")
    if finding.advice:
        parts.append(f"{'fix' if finding.fix else 'help'}: {finding.advice}")
    return "\n".join(parts)[:_MAX_MESSAGE]


def _key(annotation: dict[str, object] | Annotation) -> Sequence[object]:
    return tuple(
        annotation.get(name) for name in ("path", "start_line", "end_line", "annotation_level", "title", "message")
    )
