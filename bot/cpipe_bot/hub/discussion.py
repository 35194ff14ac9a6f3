"""Answers on the Hub: one comment of ours in a pull request, one discussion of ours for main; found, then edited.

Each function looks before it writes and may be called again after anything. Of several answers, as two processes at
the same time may have made, the oldest stays. An edit notifies nobody; what does is the first comment of a pull
request, and for main that a discussion is opened, closed or reopened, which is done when what it came to has changed
and else not: a discussion that somebody else closed or reopened stays so until then. What a person has hidden is not
written again.
"""

from __future__ import annotations

import logging
from typing import Literal

from cpipe_bot.hub.body import DUPLICATE, ON_MAIN, ON_PULL, TITLE, Standing, standing
from cpipe_bot.hub.client import Hub, Repository
from cpipe_bot.hub.threads import Comment, Thread
from cpipe_bot.jobs.work import Conclusion, GiveUp

log = logging.getLogger("cpipe_bot.hub")
# The bot opens one discussion a repository; looking at a few more finds it among what else its account wrote.
_MOST = 20


def find(hub: Hub, repository: Repository) -> Thread | None:
    """Return our discussion on main, None when there is none."""
    return next(iter(_all(hub, repository)), None)


def answer_in(thread: Thread, login: str) -> Comment | None:
    """Return our answer in a thread, None when there is none."""
    marker = ON_PULL if thread.is_pull else ON_MAIN
    return next(iter(thread.by(login, marker)), None)


def on_pull(hub: Hub, repository: Repository, number: int, text: str, *, create: bool) -> int | None:
    """Make a pull request have one comment of ours with this text; return its number, None when it has none.

    Without `create` one is edited when it is there, and else none is written.
    """
    thread = hub.thread(repository, number)
    found = thread.by(hub.login, ON_PULL)
    if not found:
        if not create or _silenced(thread, hub.login):
            return None
        hub.comment(repository, number, text)
        found = hub.thread(repository, number).by(hub.login, ON_PULL)
    if not found:
        raise GiveUp("the bot's comment is not there after it was written")
    _edit(hub, repository, number, found[0], text)
    for each in found[1:]:
        _hide(hub, repository, number, each)
    return number


def on_main(hub: Hub, repository: Repository, text: str, *, asked: bool) -> int | None:
    """Make the repository have one discussion of ours with this text; return its number, None when it has none.

    It is opened when something is wrong, or when somebody has `asked`; and closed when nothing is wrong any more.
    """
    now = standing(text)
    conclusion: Conclusion = now.conclusion if now is not None else "neutral"
    found = _all(hub, repository)
    if not found:
        if conclusion != "failure" and not asked:
            return None
        hub.open_discussion(repository, TITLE, text)
        found = _all(hub, repository)
    if not found:
        raise GiveUp("the bot's discussion is not there after it was opened")
    for extra in found[1:]:
        _retire(hub, repository, extra)
    thread = found[0]
    first = thread.by(hub.login, ON_MAIN)[0]
    _settle(hub, repository, thread, first, text, conclusion)
    return thread.number


def _settle(
    hub: Hub, repository: Repository, thread: Thread, first: Comment, text: str, conclusion: Conclusion
) -> None:
    # Before the text: what is interrupted here is told by the text, which is still the old one.
    if _moves(thread, standing(first.text), conclusion, hub.login):
        if conclusion == "failure" and not thread.open:
            _set_status(hub, repository, thread.number, "open")
        if conclusion == "success" and thread.open:
            _set_status(hub, repository, thread.number, "closed")
    _edit(hub, repository, thread.number, first, text)


def _moves(thread: Thread, was: Standing | None, conclusion: Conclusion, login: str) -> bool:
    """Whether we may open or close it: what it came to has changed, or nobody else had a hand in it."""
    return was is None or was.conclusion != conclusion or thread.moved_by in ("", login)


def _all(hub: Hub, repository: Repository) -> list[Thread]:
    """Our discussions, the oldest first: opened by us, with our marker at the head of their first comment."""
    login = hub.login
    if not login:
        return []
    threads = (hub.thread(repository, number) for number in hub.numbers_by(repository, login)[:_MOST])
    return [thread for thread in threads if thread.comments and thread.comments[0] in thread.by(login, ON_MAIN)]


def _retire(hub: Hub, repository: Repository, thread: Thread) -> None:
    if thread.open:
        _set_status(hub, repository, thread.number, "closed")
    # Without its marker it is none of ours any more.
    hub.edit(repository, thread.number, thread.comments[0].id, DUPLICATE)


def _edit(hub: Hub, repository: Repository, number: int, comment: Comment, text: str) -> None:
    if comment.text.replace("\r\n", "\n").strip() != text.strip():
        hub.edit(repository, number, comment.id, text)


def _set_status(hub: Hub, repository: Repository, number: int, status: Literal["open", "closed"]) -> None:
    try:
        hub.set_status(repository, number, status)
    except GiveUp:
        # Another process may have done it.
        if hub.thread(repository, number).open != (status == "open"):
            raise


def _hide(hub: Hub, repository: Repository, number: int, comment: Comment) -> None:
    try:
        hub.hide(repository, number, comment.id)
    except GiveUp:
        if any(each.id == comment.id and not each.hidden for each in hub.thread(repository, number).comments):
            raise


def _silenced(thread: Thread, login: str) -> bool:
    if any(comment.login == login and comment.hidden for comment in thread.comments):
        log.info("the answer was hidden, and is not written again")
        return True
    return False
