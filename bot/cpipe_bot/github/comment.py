"""The one comment of a pull request: found by its marker and by whose it is, edited in place."""

from __future__ import annotations

from collections.abc import Sequence

from github.GithubException import GithubException
from github.IssueComment import IssueComment
from github.PullRequest import PullRequest

from cpipe_bot.github.body import MARKER
from cpipe_bot.github.client import CannotPublish, Identity, gone_is_fine


def ours(comments: Sequence[IssueComment], identity: Identity) -> list[IssueComment]:
    """Return the bot's own comments, the oldest first. A marker in anybody else's is only text."""
    return sorted(
        (each for each in comments if identity.wrote(each) and each.body.startswith(MARKER)),
        key=lambda each: each.id,
    )


def write(pull: PullRequest, identity: Identity, body: str | None, *, create: bool = True) -> None:
    """Make the pull request have one comment with this body, or none when it is None.

    It looks first and may be called again after anything. Of several, as two publishers at the same time may have
    created, the oldest stays. Without `create` a comment is edited when there is one, and else none is made.

    Raises:
        CannotPublish: when the comment that was made turns out to be somebody else's.
    """
    found = ours(list(pull.get_issue_comments()), identity)
    if body is None:
        for each in found:
            _delete(each)
        return
    if found and not _edit(found[0], body):
        found = []
    if not found and create:
        made = pull.create_issue_comment(body)
        if made.user.login != identity.login:
            made.delete()
            raise CannotPublish(f"the token comments as {made.user.login}, and says that it is {identity.login}")
        found = ours(list(pull.get_issue_comments()), identity)
    if found and _edit(found[0], body):
        for each in found[1:]:
            _delete(each)


def _edit(comment: IssueComment, body: str) -> bool:
    """Give a comment its body; return False when somebody has deleted it meanwhile."""
    try:
        if comment.body.replace("\r\n", "\n") != body:
            comment.edit(body)
    except GithubException as error:
        if error.status == 404:
            return False
        raise
    return True


def _delete(comment: IssueComment) -> None:
    with gone_is_fine():
        comment.delete()
