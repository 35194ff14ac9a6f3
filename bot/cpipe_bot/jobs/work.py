"""What is to be done, and what came of it: the words that the webhook, the jobs, the Hub's side and the pages share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from cpipe_check.report.model import Report

RepoType = Literal["model", "dataset"]
Trigger = Literal["push", "pull request", "command", "reconcile"]
Conclusion = Literal["success", "failure", "neutral"]
Queue = Literal["cpu", "gpu"]
QUEUES: tuple[Queue, ...] = get_args(Queue)


@dataclass(frozen=True, slots=True)
class Work:
    """A check of one repository of the Hub at one commit.

    `repo` is `owner/name`, `ref` such as `refs/heads/main` or `refs/pr/3`, `sha` its commit as it was told. `rules` is
    the version of the checker, so that a newer one checks again. `discussion` is the number of the pull request, None
    for a push; `comment` the id of the comment that asked for it, "" when none did. `queue` says which workers may do
    it; it is no part of what names the work.
    """

    repo_type: RepoType
    repo: str
    ref: str
    sha: str
    rules: str
    trigger: Trigger
    discussion: int | None = None
    comment: str = ""
    queue: Queue = "cpu"

    @property
    def key(self) -> str:
        """What names it: two deliveries that mean the same check have the same."""
        return "|".join((self.repo_type, self.repo, self.ref, self.sha, self.rules, self.comment))


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a piece of work.

    `superseded` is True when the ref has moved on and nothing was checked; `opted_out` when its owner wants none of it.
    `report` is None in both cases and when there is nothing to check. `headline` is one line, `discussion` the number
    of the discussion that was answered in, None when none was.
    """

    conclusion: Conclusion
    headline: str
    report: Report | None = None
    discussion: int | None = None
    superseded: bool = False
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many jobs wait in a queue, and whether any living process listens to it."""

    queue: Queue
    jobs: int
    listened: bool

    @property
    def trouble(self) -> str:
        """Why they wait in vain, "" when they do not."""
        if self.listened or not self.jobs:
            return ""
        wait = "job waits" if self.jobs == 1 else "jobs wait"
        return f"{self.jobs} {wait} in the {self.queue} queue, and no worker listens to it"


class TryAgain(Exception):
    """It could not be done now, and may be later: the Hub does not answer, or asks to wait `seconds`."""

    def __init__(self, why: str, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.seconds = seconds


class GiveUp(Exception):
    """It cannot be done, for a reason that is one line: the repository is gone, the token may not."""


# Does a piece of work. May be called again for the same one after anything, since a process may be killed.
Handler = Callable[[Work], Done]
