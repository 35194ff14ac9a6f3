"""Where the claims of a pull request's smoke-loads come from: its check job, and a GPU job that a maintainer started.

Which run they belong to is asked of GitHub and never read from an artifact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from github.Artifact import Artifact
from github.GithubException import GithubException
from github.PullRequest import PullRequest
from github.Repository import Repository
from github.WorkflowRun import WorkflowRun

from cpipe_bot import claims
from cpipe_bot.github import artifact
from cpipe_bot.github.client import CannotPublish
from cpipe_bot.github.settings import Settings
from cpipe_bot.refused import Refused


@dataclass(frozen=True, slots=True)
class Source:
    """A job for the pull request's head, and its artifact: `artifact` is None while, or when, it left none."""

    run: int
    attempt: int
    url: str
    finished: bool
    artifact: int | None


def check_job(repository: Repository, pull: PullRequest, settings: Settings) -> Source | None:
    """Return the newest check job of the pull request's head, None when there is none."""
    file = settings.check_workflow
    try:
        runs = list(repository.get_workflow(file).get_runs(event="pull_request", head_sha=pull.head.sha))
    except GithubException as error:
        if error.status != 404:
            raise
        why = f"the repository has no workflow {file}; say which one checks by --check-workflow"
        raise CannotPublish(why) from error
    ours = [run for run in runs if _is_of(run, pull, file)]
    if not ours:
        return None
    newest = max(ours, key=lambda run: (run.run_number, run.run_attempt))
    found = _newest(each for each in newest.get_artifacts() if each.name == settings.artifact)
    return _source(newest, found)


def gpu_job(repository: Repository, pull: PullRequest, settings: Settings) -> Source | None:
    """Return the newest GPU job for the pull request's head that left an artifact, None when there is none.

    It ran by the workflow file of the default branch, which no pull request can change.
    """
    if not settings.gpu_workflow:
        return None
    named = sorted(
        repository.get_artifacts(name=f"{settings.artifact}-gpu-{pull.head.sha}"), key=lambda a: a.id, reverse=True
    )
    for each in named:
        run = repository.get_workflow_run(each.workflow_run.id)
        ours = run.event == "workflow_dispatch" and _is_file(run, settings.gpu_workflow)
        if ours and run.head_branch == repository.default_branch and run.head_repository.id == repository.id:
            return _source(run, each)
    return None


def taken(repository: Repository, source: Source) -> claims.Claims:
    """Return what a job claims.

    Raises:
        Refused: when its artifact is not there, or is not one of ours.
    """
    if source.artifact is None:
        raise Refused("it left no result" if source.finished else "it has not finished")
    return claims.read(artifact.unpack(artifact.fetch(repository.get_artifact(source.artifact))))


def _source(run: WorkflowRun, found: Artifact | None) -> Source:
    return Source(run.id, run.run_attempt, run.html_url, run.status == "completed", found.id if found else None)


def _newest(found: Iterator[Artifact]) -> Artifact | None:
    return max(found, key=lambda each: each.id, default=None)


def _is_of(run: WorkflowRun, pull: PullRequest, file: str) -> bool:
    # A deleted fork has no repository any more.
    home = pull.head.repo
    return (
        run.event == "pull_request"
        and run.head_sha == pull.head.sha
        and home is not None
        and run.head_repository.id == home.id
        and _is_file(run, file)
    )


def _is_file(run: WorkflowRun, file: str) -> bool:
    return run.path.partition("@")[0] == f".github/workflows/{file}"
