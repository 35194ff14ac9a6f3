"""A repository at one commit, checked: its snapshot, the report, and what is said of both."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cpipe_bot.apart import apart
from cpipe_bot.commands import Answer
from cpipe_bot.hf_jobs.settings import JobSettings
from cpipe_bot.hub.client import Repository
from cpipe_bot.hub.settings import HubSettings
from cpipe_bot.jobs.work import Conclusion, GiveUp, TryAgain
from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check
from cpipe_check.fix_files import fix_all
from cpipe_check.fixing import unified
from cpipe_check.report.model import Report
from cpipe_check.report.outcome import Outcome, worst
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.snapshot import Snapshot, SnapshotError, submissions, take
from cpipe_check.snapshot.weights import is_model, with_own_weights
from cpipe_check.submission import Collection
from cpipe_check.text import clean_line


@dataclass(frozen=True, slots=True)
class Checked:
    """All that is said of one commit. `fixes` are diffs by path, when somebody asked for them."""

    repository: Repository
    ref: str
    sha: str
    report: Report
    answers: tuple[Answer, ...] = ()
    fixes: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """True when the repository has no pipeline file."""
        return not self.report.files

    @property
    def conclusion(self) -> Conclusion:
        """Failure for what is wrong, success for nothing wrong and nothing left open, else neutral."""
        if any(file.fails(self.report.fail_on) for file in self.report.files):
            return "failure"
        return "success" if self.report.files and worst(self.report.files) is Outcome.FINE else "neutral"

    @property
    def source(self) -> str:
        """What the command on somebody's machine is told, for the same."""
        return source_of(self.repository, self.sha)


def source_of(repository: Repository, sha: str) -> str:
    """Return what names a repository at a commit to `cpipe-check`."""
    kind = "datasets/" if repository.repo_type == "dataset" else ""
    return f"hub:{kind}{repository.name}@{sha}"


def check_commit(
    settings: HubSettings,
    repository: Repository,
    ref: str,
    sha: str,
    smoke: SmokeOptions | None,
    answers: tuple[Answer, ...] = (),
    jobs: JobSettings | None = None,
) -> Checked:
    """Check a repository at a commit. A smoke-load is only made where its isolation is proven, or in `jobs`.

    Raises:
        TryAgain: when the Hub does not answer.
        GiveUp: when it refuses.
    """
    smoke = None if smoke is None else replace(smoke, isolation="strict", trusted=False)
    wants_fixes = any(answer.allowed and answer.command.kind == "fix" for answer in answers)
    with tempfile.TemporaryDirectory(prefix="cpipe-bot-") as scratch:
        snapshot, collection = _snapshot(settings, source_of(repository, sha), Path(scratch, "snapshot"))
        if smoke is not None and jobs is None and collection.submissions:
            smoke = _against_its_own(settings, smoke, snapshot, Path(scratch))
        report, fixes = apart(_judged, collection, smoke, wants_fixes, jobs)
    return Checked(repository, ref, sha, report, answers, fixes)


def _against_its_own(settings: HubSettings, smoke: SmokeOptions, snapshot: Snapshot, directory: Path) -> SmokeOptions:
    limit = settings.own_weights
    if not limit or not is_model(snapshot):
        return smoke
    return with_own_weights(smoke, snapshot, directory, limit, endpoint=settings.endpoint, token=settings.token or None)


def _judged(
    collection: Collection, smoke: SmokeOptions | None, wants_fixes: bool, jobs: JobSettings | None
) -> tuple[Report, dict[str, str]]:
    fixes = _fixes(collection) if wants_fixes else {}
    if jobs is None:
        return check(collection, smoke), fixes
    from cpipe_bot.hf_jobs.run import in_jobs

    return check(collection, smoke, load_all=in_jobs(jobs)), fixes


def _snapshot(settings: HubSettings, source: str, directory: Path) -> tuple[Snapshot, Collection]:
    try:
        snapshot = take(source, directory, endpoint=settings.endpoint, token=settings.token or None)
        found = submissions(snapshot)
    except SnapshotError as error:
        why = str(error)
        raise (TryAgain(why, error.retry_after) if error.may_pass else GiveUp(why)) from None
    # The answer says once which repository and commit it is about.
    label = f"{snapshot.label}/"
    return snapshot, replace(
        found,
        submissions=tuple(replace(each, path=each.path.removeprefix(label)) for each in found.submissions),
        skipped=tuple((clean_line(path.removeprefix(label)), why) for path, why in found.skipped),
    )


def _fixes(collection: Collection) -> dict[str, str]:
    made = ((each, fixed.content) for each, fixed in fix_all(collection.submissions, resolve()))
    return {each.path: unified(each.path, each.content, content) for each, content in made if content != each.content}
