"""Discussions and their comments as the bot looks at them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from huggingface_hub import DiscussionComment

from cpipe_bot.commands import Command, parse

# The Hub does not mark bots; their names mostly do, and what an app writes for somebody is marked.
_BOT = re.compile(r"(?i)(?:.*[-_])?bot(?:[-_].*)?|.*\[bot\]")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment. `trusted` is True for the repository's owner and for members of the organisation that owns it.

    The Hub does not tell which of the members may write.
    """

    id: str
    login: str
    at: datetime
    url: str
    text: str
    hidden: bool
    trusted: bool
    by_bot: bool

    @classmethod
    def of(cls, event: DiscussionComment, thread_url: str) -> Comment:
        """Return a comment as huggingface_hub has it; its author's role is only in the Hub's own answer."""
        author = event._event.get("author") or {}
        trusted = author.get("isOwner") is True or author.get("isOrgMember") is True
        by_bot = bool(author.get("oauthApp")) or bool(_BOT.fullmatch(event.author))
        url = f"{thread_url}#{event.id}"
        return cls(event.id, event.author, event.created_at, url, event.content, event.hidden, trusted, by_bot)


@dataclass(frozen=True, slots=True)
class Thread:
    """A discussion or a pull request. `moved_by` is who opened or closed it last, "" for nobody since it was opened."""

    number: int
    title: str
    author: str
    is_pull: bool
    open: bool
    comments: tuple[Comment, ...]
    moved_by: str

    def by(self, login: str, marker: str) -> list[Comment]:
        """Return somebody's comments that begin with a marker and are shown, the oldest first."""
        return [c for c in self.comments if c.login == login and not c.hidden and c.text.startswith(marker)]

    def commands(self, own: str) -> list[tuple[Command, Comment]]:
        """Return the commands in its comments: people's, never the bot's own or another bot's."""
        found = []
        for each in self.comments:
            if each.hidden or each.by_bot or each.login == own:
                continue
            command = parse(each.id, each.url, each.login, each.at, each.text)
            if command is not None:
                found.append((command, each))
        return found
