"""Publishing: what GitHub says now, made into what it is to show, again until both agree.

Nothing is remembered between two runs. What is to be shown is made from the pull request's head, the newest job for it
and the commands in its comments, so that whichever publisher writes last has written what was true when it looked, and
it looks once more after it has written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from github.GithubException import GithubException
from github.IssueComment import IssueComment
from github.NamedUser import NamedUser
from github.Organization import Organization
from github.PullRequest import PullRequest
from github.Repository import Repository

from cpipe_bot.commands import Answer, Command, answers, parse
from cpipe_bot.github import body, check_run, client, comment, labels, sources, suggestions
from cpipe_bot.github.client import CannotPublish, Identity, persist
from cpipe_bot.github.outcome import Job, Outcome, outcome
from cpipe_bot.github.recheck import Recheck, recheck
from cpipe_bot.github.settings import Settings
from cpipe_bot.github.sources import Source
from cpipe_bot.refused import Refused

T = TypeVar("T")
log = logging.getLogger("cpipe_bot.github")
_ROUNDS = 5
_WRITERS = frozenset({"admin", "maintain", "write"})


@dataclass(frozen=True, slots=True)
class State:
    """What the comment depends on, by what names it."""

    head: str
    base: str
    open: bool
    check: Source | None
    gpu: Source | None
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes in one repository, as one identity. `persist` calls a write until it is done."""

    repository: Repository
    identity: Identity
    settings: Settings
    persist: Callable[[str, Callable[[], None]], None] = persist

    def publish(self, number: int) -> Outcome | None:
        """Make a pull request show what its head comes to; return that, None when it is closed.

        Raises:
            CannotPublish: when GitHub refuses, or the pull request does not come to rest.
        """
        known: tuple[str, str] | None = None
        checked: Recheck | None = None
        for _ in range(_ROUNDS):
            pull = self._pull(number)
            state = self._state(pull)
            if not state.open:
                log.info("pull request %d is closed", number)
                return None
            if checked is None or known != (state.head, state.base):
                checked, known = self._recheck(pull), (state.head, state.base)
            found = self._outcome(pull, state, checked)
            self._write(pull, found, checked)
            if self._state(self._pull(number)) == state:
                return found
            log.info("pull request %d changed meanwhile: once more", number)
        raise CannotPublish(f"pull request {number} changes faster than it can be published; run this again")

    def pulls_of(self, head: str, home: str, branch: str) -> list[int]:
        """Return the open pull requests whose head is this commit of this repository (`owner/name`) and branch."""
        owner = home.partition("/")[0]
        found = self._read(lambda: list(self.repository.get_pulls(state="open", head=f"{owner}:{branch}")))
        return [p.number for p in found if p.head.sha == head and p.head.repo and p.head.repo.full_name == home]

    def pulls_of_gpu(self, run: int) -> list[int]:
        """Return the open pull requests that the artifacts of a GPU job are named after."""
        prefix = f"{self.settings.artifact}-gpu-"
        names = self._read(lambda: [each.name for each in self.repository.get_workflow_run(run).get_artifacts()])
        heads = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
        pulls = self._read(lambda: list(self.repository.get_pulls(state="open"))) if heads else []
        return [pull.number for pull in pulls if pull.head.sha in heads]

    def _pull(self, number: int) -> PullRequest:
        return self._read(lambda: self.repository.get_pull(number).complete())

    def _recheck(self, pull: PullRequest) -> Recheck:
        return self._read(lambda: recheck(self.repository, pull, self.settings))

    def _state(self, pull: PullRequest) -> State:
        if pull.state != "open":
            return State(pull.head.sha, pull.base.sha, False, None, None, ())
        return self._read(
            lambda: State(
                pull.head.sha,
                pull.base.sha,
                True,
                sources.check_job(self.repository, pull, self.settings),
                sources.gpu_job(self.repository, pull, self.settings),
                _commands(pull.get_issue_comments()),
            )
        )

    def _outcome(self, pull: PullRequest, state: State, checked: Recheck) -> Outcome:
        job = self._job(state.check) or Job("", None, "no check job has run for this commit")
        gpu = self._job(state.gpu)
        return outcome(state.head, checked, job, gpu, self._answers(pull.user.login, state.commands))

    def _job(self, source: Source | None) -> Job | None:
        if source is None:
            return None
        try:
            taken = self._read(lambda: sources.taken(self.repository, source))
        except Refused as reason:
            return Job(source.url, None, f"nothing is taken from the job: {reason}", running=not source.finished)
        return Job(source.url, taken.smokes)

    def _answers(self, author: str, commands: Sequence[Command]) -> tuple[Answer, ...]:
        return answers(commands, lambda login: self.may_ask(login, author))

    def may_ask(self, login: str, author: str) -> bool:
        """Whether a login may give commands: the pull request's author, and who may write in the repository."""
        if login == author:
            return True
        try:
            return self.repository.get_collaborator_permission(login) in _WRITERS
        except GithubException as error:
            if error.status == 404:
                return False
            raise

    def _write(self, pull: PullRequest, found: Outcome, checked: Recheck) -> None:
        """Write it all: what is read first by a person last, so that a comment never says more than is there."""
        settings = self.settings
        self.persist("checks: write", lambda: check_run.write(self.repository, found))
        if settings.suggestions:
            wanted = suggestions.wanted(found, checked.contents, checked.patches)
            self.persist(
                "pull-requests: write", lambda: suggestions.write(self.repository, pull, self.identity, wanted)
            )
        if settings.labels:
            label = None if found.empty else found.conclusion
            self.persist("pull-requests: write", lambda: labels.write(pull, label))
        text, create = self._comment(found, checked)
        self.persist("pull-requests: write", lambda: comment.write(pull, self.identity, text, create=create))

    def _comment(self, found: Outcome, checked: Recheck) -> tuple[str | None, bool]:
        """The comment's body, None for no comment, and whether one is made where there is none."""
        settings = self.settings
        text = body.comment(found, settings.when_green, checked.fixes)
        if found.answers:
            return text, True
        if found.green and settings.when_green == "delete":
            return None, False
        return text, not found.empty and not (found.green and settings.when_green == "silent")

    def _read(self, read: Callable[[], T]) -> T:
        return client.read("pull-requests: read, contents: read, actions: read", read)


def command_in(comment: IssueComment) -> Command | None:
    """Return the command that a person's comment is, None for any other."""
    author: NamedUser | Organization | None = comment.user
    if author is None or author.type == "Bot":
        return None
    return parse(str(comment.id), comment.html_url, author.login, comment.created_at, comment.body)


def _commands(comments: Iterable[IssueComment]) -> tuple[Command, ...]:
    return tuple(command for command in map(command_in, comments) if command is not None)
