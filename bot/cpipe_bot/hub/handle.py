"""Doing one piece of work: a repository at a commit is checked, and answered where it was submitted.

Nothing is remembered between two runs, and a run may be broken off anywhere: what is there is looked at, and made into
what is to be there. The ref is read before anything is done, before anything is written, and once more afterwards, so
that no answer about an older commit is left standing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cpipe_bot.commands import Answer, Command, answers
from cpipe_bot.hub import body, discussion
from cpipe_bot.hub.checking import Checked, check_commit
from cpipe_bot.hub.client import Hub, Repository
from cpipe_bot.hub.names import pull_of
from cpipe_bot.hub.settings import HubSettings
from cpipe_bot.hub.threads import Comment, Thread
from cpipe_bot.jobs.work import Done, GiveUp, Handler, TryAgain, Work
from cpipe_check.report.as_markdown import headline

log = logging.getLogger("cpipe_bot.hub")
_ROUNDS = 3
_DRY = " (dry run: nothing was written)"


def handler(settings: HubSettings) -> Handler:
    """Return what does work with these settings."""
    return partial(handle, settings=settings)


def handle(work: Work, settings: HubSettings) -> Done:
    """Check what a piece of work names and answer it; return what became of it.

    Raises:
        TryAgain: when the Hub does not answer, asks to wait, or the ref does not come to rest.
        GiveUp: when the repository is gone, private or closed to us, or the bot may not write.
    """
    if not settings.token and not settings.dry_run:
        raise GiveUp("there is no token to answer with")
    hub = Hub(settings)
    repository = hub.repository(work.repo_type, work.repo)
    if repository.private:
        raise GiveUp("it is private")
    if repository.opted_out:
        return Done("neutral", "its owner wants no checks", opted_out=True)
    return _Run(hub, settings, work, repository, pull_of(work.ref)).done()


@dataclass(frozen=True, slots=True)
class _Asked:
    """The commands there are, and the one that this work is about, None for a push or one that is no command."""

    answers: tuple[Answer, ...] = ()
    this: Answer | None = None

    @property
    def allowed(self) -> bool:
        return self.this is not None and self.this.allowed

    @property
    def for_gpu(self) -> bool:
        return self.this is not None and self.this.command.kind == "gpu"


@dataclass(frozen=True, slots=True)
class _Run:
    hub: Hub
    settings: HubSettings
    work: Work
    repository: Repository
    pull: int | None

    def done(self) -> Done:
        thread = self._thread()
        if self.pull is not None and (thread is None or not thread.is_pull or not thread.open):
            return Done("neutral", "the pull request is closed")
        sha = self.hub.commit(self.repository, self.work.ref)
        if sha is None:
            return Done("neutral", "the ref is gone", superseded=True)
        ours = discussion.answer_in(thread, self.hub.login) if thread is not None else None
        if self._is_late(sha, ours):
            return Done("neutral", "a newer commit was pushed", superseded=True)
        asked = self._asked(thread)
        if self.work.trigger == "command":
            if asked.this is None:
                return Done("neutral", "the comment is no command any more")
            if done := self._quickly(thread, ours, asked, sha):
                return done
        return self._checked(sha, asked)

    def _checked(self, sha: str, asked: _Asked) -> Done:
        for _ in range(_ROUNDS):
            on_gpu = asked.for_gpu and self.work.queue == "gpu" and self.settings.gpu is not None
            where = self.settings
            smoke, jobs = (where.gpu, where.gpu_jobs) if on_gpu else (where.smoke, where.jobs)
            checked = check_commit(where, self.repository, self.work.ref, sha, smoke, asked.answers, jobs)
            if self.settings.dry_run:
                return _done(checked, None, _DRY)
            if self.hub.commit(self.repository, self.work.ref) != sha:
                return Done("neutral", "a newer commit was pushed while it was checked", superseded=True)
            number = self._write(checked, asked)
            now = self.hub.commit(self.repository, self.work.ref)
            if now == sha:
                late = self.work.sha not in ("", sha)
                return (
                    Done("neutral", "a newer commit was answered", None, number, True)
                    if late
                    else _done(checked, number)
                )
            if now is None:
                return Done("neutral", "the ref is gone", superseded=True)
            # Another process may have answered the newer commit before we wrote: its answer is made again.
            sha, asked = now, self._asked(self._thread())
        raise TryAgain("it is pushed to faster than it can be checked")

    def _write(self, checked: Checked, asked: _Asked) -> int | None:
        text = body.answer(checked, has_gpu=self._has_gpu(asked), pages=self.settings.pages)
        if self.pull is not None:
            create = not checked.empty or asked.allowed
            return discussion.on_pull(self.hub, self.repository, self.pull, text, create=create)
        return discussion.on_main(self.hub, self.repository, text, asked=asked.allowed)

    def _has_gpu(self, asked: _Asked) -> bool:
        """Whether there is a GPU, as far as whoever asked for one just now is concerned."""
        return self.settings.gpu is not None and (self.work.queue == "gpu" or not asked.for_gpu)

    def _thread(self) -> Thread | None:
        """Where the answer stands or will stand."""
        if self.pull is not None:
            return self.hub.thread(self.repository, self.pull)
        return discussion.find(self.hub, self.repository)

    def _is_late(self, sha: str, ours: Comment | None) -> bool:
        """Whether the work's commit is not the newest, and nobody is misled by an answer that is about it."""
        if self.work.sha in ("", sha):
            return False
        standing = body.standing(ours.text) if ours is not None else None
        return standing is None or standing.sha != self.work.sha

    def _asked(self, thread: Thread | None) -> _Asked:
        threads = [thread] if thread is not None else []
        number = self.work.discussion
        if self.work.trigger == "command" and number is not None and all(each.number != number for each in threads):
            threads.append(self.hub.thread(self.repository, number))
        found = [pair for each in threads for pair in each.commands(self.hub.login)]
        may = _who_may(found, threads)
        made = answers((command for command, _ in found), may)
        # The newest are shown; the one that was asked just now may be older than those.
        this = next((command for command, _ in found if command.comment == self.work.comment), None)
        return _Asked(made, None if this is None else answers([this], may)[0])

    def _quickly(self, thread: Thread | None, ours: Comment | None, asked: _Asked, sha: str) -> Done | None:
        """Answer a command without checking anything again, where that is enough; else return None."""
        this = asked.this
        if this is None or (this.allowed and this.command.kind not in ("explain", "unknown")):
            return None
        standing = body.standing(ours.text) if ours is not None else None
        said = "a command was refused" if not this.allowed else "a command was answered"
        if ours is None or thread is None or standing is None or standing.sha != sha:
            # Nobody makes us write by what they may not ask.
            return None if this.allowed else Done("neutral", said)
        text = body.with_asked(ours.text, body.asked(asked.answers, has_gpu=self._has_gpu(asked)))
        if text is None or any(a.allowed and a.command.kind == "fix" for a in asked.answers):
            return None if this.allowed else Done("neutral", said)
        if self.settings.dry_run:
            return Done(standing.conclusion, said + _DRY)
        if text != ours.text:
            self.hub.edit(self.repository, thread.number, ours.id, text)
        return Done(standing.conclusion, said, discussion=thread.number)


def _who_may(found: list[tuple[Command, Comment]], threads: list[Thread]) -> Callable[[str], bool]:
    """Who may give commands: those whom the Hub marks as the repository's, and the author of the pull request."""
    trusted = {comment.login for _, comment in found if comment.trusted}
    trusted |= {thread.author for thread in threads if thread.is_pull}
    return lambda login: login in trusted


def _done(checked: Checked, number: int | None, note: str = "") -> Done:
    said = body.NO_FILES if checked.empty else headline(checked.report)
    return Done(checked.conclusion, said + note, None if checked.empty else checked.report, number)
