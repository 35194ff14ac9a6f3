"""Commands in the comments of a pull request or a discussion, and what is answered.

The comments themselves are what is remembered: the answers are made anew from them each time, so that nothing can be
lost or answered twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cpipe_check.rules import RULES, Rule

Kind = Literal["again", "gpu", "explain", "fix", "unknown"]

_COMMAND = re.compile(r"/cpipe-check(?:[ \t]+(?P<word>[A-Za-z]{1,20})(?:[ \t]+(?P<argument>\S{1,40}))?)?[ \t]*")
# A comment answers at most this many; who asks more sees the newest.
_MAX_ANSWERS = 5
_MAX_REFUSED = 5
# A command has at most so many characters.
_SPELLED = 1_000


@dataclass(frozen=True, slots=True)
class Command:
    """A comment whose first line is a command."""

    comment: str
    url: str
    login: str
    at: datetime
    kind: Kind
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a command: what is to be shown. `rule` is set for `explain`; `allowed` is False for a refusal."""

    command: Command
    allowed: bool
    rule: Rule | None = None


def kind_of(body: str) -> Kind | None:
    """Return which command a comment's text is, None when it is none."""
    match = _match(body)
    return None if match is None else _kind(match)


def parse(comment: str, url: str, login: str, at: datetime, body: str) -> Command | None:
    """Return the command that a comment is, None when it is none."""
    match = _match(body)
    if match is None:
        return None
    kind = _kind(match)
    return Command(comment, url, login, at, kind, match["argument"] if kind == "explain" else "")


def answers(commands: Iterable[Command], may_ask: Callable[[str], bool]) -> tuple[Answer, ...]:
    """Return what to answer: the newest commands of those who may, and one refusal for each who may not.

    `may_ask` tells of a login; it is asked once for each.
    """
    may: dict[str, bool] = {}
    found: list[Answer] = []
    refused: set[str] = set()
    for command in sorted(commands, key=lambda each: each.at, reverse=True):
        if command.login not in may:
            may[command.login] = may_ask(command.login)
        if may[command.login]:
            if sum(answer.allowed for answer in found) < _MAX_ANSWERS:
                found.append(Answer(command, True, _rule(command)))
        elif command.login not in refused and len(refused) < _MAX_REFUSED:
            refused.add(command.login)
            found.append(Answer(command, False))
    return tuple(found)


def _match(body: str) -> re.Match[str] | None:
    lines = body.lstrip()[:_SPELLED].splitlines()
    return _COMMAND.fullmatch(lines[0].rstrip()) if lines else None


def _kind(match: re.Match[str]) -> Kind:
    word, argument = (match["word"] or "").lower(), match["argument"]
    if argument:
        return "explain" if word == "explain" else "unknown"
    plain: dict[str, Kind] = {"": "again", "again": "again", "gpu": "gpu", "fix": "fix"}
    return plain.get(word, "unknown")


def _rule(command: Command) -> Rule | None:
    wanted = command.argument
    return next((rule for rule in RULES if wanted.upper() == rule.code or wanted.lower() == rule.name), None)
