"""What there is to say of a pull request's head: pure data, made from the recheck and the claims, decided here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from cpipe_bot.claims import within
from cpipe_bot.commands import Answer
from cpipe_bot.github.recheck import Recheck
from cpipe_check.finding import Finding
from cpipe_check.report.model import Compatibility, FileReport, Report, Smoke, Verdict
from cpipe_check.text import CleanText, clean_line

Conclusion = Literal["success", "failure", "neutral"]
NO_FILES = "No pipeline file is changed"
HALF = "The text shows nothing wrong, but nothing was run"


@dataclass(frozen=True, slots=True)
class Job:
    """A job whose word the smoke-loads rest on.

    `smokes` are what it claims by path, None when nothing is taken from it, for the reason in `why`. `running` is True
    while more is to come.
    """

    url: str
    smokes: Mapping[str, Smoke] | None
    why: str = ""
    running: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that is said of one head.

    `report` has the static check done anew and the smoke-loads that the check job claims; `on_gpu` those that a GPU
    job claims, by path.
    """

    head: str
    report: Report
    before: Mapping[str, Compatibility | None]
    distrusted: tuple[CleanText, ...]
    job: Job
    gpu: Job | None
    answers: tuple[Answer, ...]

    @property
    def empty(self) -> bool:
        """True when the pull request changes no pipeline file."""
        return not self.report.files

    @property
    def green(self) -> bool:
        """True when nothing is wrong and nothing is left open."""
        return self.conclusion == "success"

    def failed(self, file: FileReport) -> bool:
        """Whether a file has a finding that counts, or a job claims that it failed."""
        gpu = self.on_gpu(file)
        return file.fails(self.report.fail_on) or (gpu is not None and gpu.verdict is Verdict.FAILED)

    def on_gpu(self, file: FileReport) -> Smoke | None:
        """What the GPU job claims of a file, None when there is nothing."""
        return self.gpu.smokes.get(file.path) if self.gpu is not None and self.gpu.smokes is not None else None

    @property
    def conclusion(self) -> Conclusion:
        """The check run's: failure for what is certain or claimed, neutral where there is no verdict."""
        if any(map(self.failed, self.report.files)):
            return "failure"
        if self.empty:
            return "success"
        unsure = self.distrusted or self.job.smokes is None
        return "neutral" if unsure or any(f.smoke.verdict is not Verdict.RAN for f in self.report.files) else "success"


def outcome(head: str, checked: Recheck, job: Job, gpu: Job | None, answers: tuple[Answer, ...]) -> Outcome:
    """Return what is to be said of a head. Of a pull request that can change its own check no job's word counts."""
    if checked.distrusted:
        why = "this pull request changes how it is itself checked, so its own word does not count"
        job = replace(job, smokes=None, why=why, running=False)
    files = tuple(
        replace(file, smoke=_smoke(file, job, checked.contents.get(file.path, b""))) for file in checked.report.files
    )
    report = replace(checked.report, files=files)
    return Outcome(head, report, checked.before, checked.distrusted, job, gpu, answers)


def fixable(report: Report) -> list[tuple[FileReport, Finding]]:
    """Return the findings with a fix, with their files."""
    return [(file, finding) for file in report.files for finding in file.findings if finding.fix is not None]


def _smoke(file: FileReport, job: Job, content: bytes) -> Smoke:
    if job.smokes is None:
        return Smoke(Verdict.NOT_RUN, clean_line(job.why))
    found = job.smokes.get(file.path)
    if found is None:
        return Smoke(Verdict.NOT_RUN, clean_line("the check job says nothing of it"))
    return within(found, content)
