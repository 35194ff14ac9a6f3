"""Review suggestions: fixes on lines of the diff that its author takes by one click.

A suggestion is known by what it changes. It is made once, stays while the text is as it was, and is taken away when the
text is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from github.PullRequest import PullRequest, ReviewComment
from github.PullRequestComment import PullRequestComment
from github.Repository import Repository

from cpipe_bot.github.client import Identity, gone_is_fine
from cpipe_bot.github.diff import lines_in
from cpipe_bot.github.outcome import Outcome, fixable
from cpipe_check.fixing import suggestion
from cpipe_check.report.markdown import block, inline, prose

_MOST = 20
_MARKER = re.compile(r"<!-- cpipe-check:suggestion ([0-9a-f]{16}) -->")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Replace lines `first` to `last` of a file; `body` is the review comment, `key` what it changes."""

    key: str
    path: str
    first: int
    last: int
    body: str


def wanted(outcome: Outcome, contents: Mapping[str, bytes], patches: Mapping[str, str]) -> list[Suggestion]:
    """Return the fixes whose lines are all shown in the pull request's diff, one for each change of the text."""
    found: dict[str, Suggestion] = {}
    for file, finding in fixable(outcome.report):
        content = contents[file.path]
        change = suggestion(content, finding.fix) if finding.fix is not None else None
        if change is None or not set(range(change.first, change.last + 1)) <= lines_in(patches[file.path]):
            continue
        lines = content.decode("utf-8", "replace").splitlines()[change.first - 1 : change.last]
        told = "\0".join((file.path, *lines, "", change.text))
        key = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]
        said = f"{inline(finding.code)}: {prose(finding.message)}"
        text = f"<!-- cpipe-check:suggestion {key} -->\n{said}\n\n{block(change.text, 'suggestion')}"
        found.setdefault(key, Suggestion(key, file.path, change.first, change.last, text))
    return list(found.values())[:_MOST]


def write(repository: Repository, pull: PullRequest, identity: Identity, wanted: list[Suggestion]) -> None:
    """Make the pull request have these suggestions and no others of ours.

    It looks first and may be called again after anything. New ones come together, as one review.
    """
    standing: set[str] = set()
    keys = {each.key for each in wanted}
    for comment, key in sorted(_ours(pull, identity), key=lambda pair: pair[0].id):
        # Without a line it is outdated: the text under it is another now.
        if key not in keys or key in standing or comment.line is None:
            _delete(comment)
        else:
            standing.add(key)
    new: list[ReviewComment] = [_review_comment(each) for each in wanted if each.key not in standing]
    if new:
        pull.create_review(commit=repository.get_commit(pull.head.sha), event="COMMENT", comments=new)


def _ours(pull: PullRequest, identity: Identity) -> Iterator[tuple[PullRequestComment, str]]:
    for comment in pull.get_review_comments():
        match = _MARKER.match(comment.body)
        if match and identity.wrote(comment):
            yield comment, match[1]


def _review_comment(each: Suggestion) -> ReviewComment:
    if each.first == each.last:
        return {"path": each.path, "body": each.body, "line": each.last, "side": "RIGHT"}
    return {
        "path": each.path,
        "body": each.body,
        "line": each.last,
        "side": "RIGHT",
        "start_line": each.first,
        "start_side": "RIGHT",
    }


def _delete(comment: PullRequestComment) -> None:
    with gone_is_fine():
        comment.delete()
