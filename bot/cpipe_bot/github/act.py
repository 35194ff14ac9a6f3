"""Doing what a command in a comment asks for, beyond the answer in the comment that publishing makes."""

from __future__ import annotations

import logging
from typing import Literal

from github.IssueComment import IssueComment

from cpipe_bot.commands import Command, answers
from cpipe_bot.github import sources
from cpipe_bot.github.client import CannotPublish
from cpipe_bot.github.publish import Publisher, command_in

log = logging.getLogger("cpipe_bot.github")
Reaction = Literal["rocket", "+1", "confused", "eyes"]


def act(publisher: Publisher, number: int, comment: int) -> bool:
    """Do what a comment on a pull request asks for; return False when it is no command.

    A reaction of ours on the comment says that it was done, and it is not done again then.

    Raises:
        CannotPublish: when GitHub refuses.
    """
    pull = publisher.repository.get_pull(number)
    asked = pull.get_issue_comment(comment)
    command = command_in(asked)
    if command is None:
        return False
    if any(each.user.login == publisher.identity.login for each in asked.get_reactions()):
        log.info("comment %d was answered already", comment)
        return True
    author = pull.user.login
    (answer,) = answers([command], lambda login: publisher.may_ask(login, author))
    if not answer.allowed:
        _react(publisher, asked, "confused")
        return True
    if command.kind in {"again", "gpu"}:
        publisher.persist("actions: write", lambda: _start(publisher, number, command))
    _react(publisher, asked, "rocket" if command.kind in {"again", "gpu"} else "+1")
    return True


def _start(publisher: Publisher, number: int, command: Command) -> None:
    repository, settings = publisher.repository, publisher.settings
    pull = repository.get_pull(number)
    if command.kind == "gpu":
        if not settings.gpu_workflow:
            log.warning("there is no GPU workflow here")
            return
        inputs = {"number": str(number), "head-sha": pull.head.sha}
        repository.get_workflow(settings.gpu_workflow).create_dispatch(repository.default_branch, inputs, throw=True)
        return
    job = sources.check_job(repository, pull, settings)
    if job is None:
        raise CannotPublish("no check job has run for this commit, so there is none to run again")
    if not job.finished:
        log.info("the check job is running already")
        return
    repository.get_workflow_run(job.run).rerun()


def _react(publisher: Publisher, comment: IssueComment, reaction: Reaction) -> None:
    try:
        publisher.persist("pull-requests: write", lambda: _create(comment, reaction))
    except CannotPublish as error:
        # The answer stands in the comment as well.
        log.warning("no reaction: %s", error)


def _create(comment: IssueComment, reaction: Reaction) -> None:
    comment.create_reaction(reaction)
