"""The state of the server: plain records, and no JSON."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from github_server.git import Objects


@dataclass(slots=True)
class User:
    login: str
    id: int
    type: str = "User"


@dataclass(slots=True)
class App:
    id: int
    slug: str
    name: str
    permissions: dict[str, str]
    public_key: str = ""
    installation: int = 0

    @property
    def bot(self) -> str:
        return f"{self.slug}[bot]"


@dataclass(slots=True)
class Token:
    """Who calls and what for; ``app`` is None for a person's token."""

    login: str
    permissions: dict[str, str]
    app: App | None = None
    revoked: bool = False


@dataclass(slots=True)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(slots=True)
class Reaction:
    id: int
    user: str
    content: str
    created: str


@dataclass(slots=True)
class Comment:
    """A comment in the conversation of a PR."""

    id: int
    number: int
    author: str
    body: str
    created: str
    updated: str
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True)
class ReviewComment:
    """A comment on a line of the diff; ``line`` is None once a push has outdated it."""

    id: int
    number: int
    author: str
    body: str
    created: str
    updated: str
    path: str
    commit: str
    original_commit: str
    side: str
    line: int | None
    original_line: int
    start_line: int | None
    original_start_line: int | None
    start_side: str | None
    position: int | None
    original_position: int
    hunk: str
    review: int
    reply_to: int | None = None


@dataclass(slots=True)
class Review:
    id: int
    number: int
    author: str
    body: str
    state: str
    commit: str
    submitted: str


@dataclass(slots=True)
class CheckRun:
    id: int
    name: str
    head_sha: str
    app: App
    status: str = "queued"
    conclusion: str | None = None
    details_url: str | None = None
    external_id: str = ""
    started: str | None = None
    completed: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class WorkflowRun:
    id: int
    workflow: int
    name: str
    event: str
    head_sha: str
    head_branch: str
    head_repository: str
    actor: str
    created: str
    status: str = "completed"
    conclusion: str | None = "success"
    attempt: int = 1


@dataclass(slots=True)
class Artifact:
    id: int
    name: str
    run: int
    data: bytes
    created: str
    expired: bool = False
    # What the API says of its size, where that is to differ from what is downloaded.
    size: int | None = None


@dataclass(slots=True)
class Dispatch:
    workflow: str
    ref: str
    inputs: dict[str, Any]


@dataclass(slots=True)
class PullRequest:
    id: int
    number: int
    title: str
    author: str
    head_repository: str
    head_branch: str
    base_branch: str
    head: str
    base: str
    created: str
    updated: str
    body: str | None = None
    state: str = "open"
    draft: bool = False
    labels: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Repository:
    id: int
    full_name: str
    private: bool = False
    parent: str | None = None
    default_branch: str = "main"
    branches: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    review_comments: dict[int, ReviewComment] = field(default_factory=dict)
    reviews: dict[int, Review] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    workflows: dict[int, str] = field(default_factory=dict)
    runs: dict[int, WorkflowRun] = field(default_factory=dict)
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    dispatches: list[Dispatch] = field(default_factory=list)

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.partition("/")[2]


ACTIONS = App(15368, "github-actions", "GitHub Actions", {}, installation=1)


@dataclass(slots=True)
class State:
    """All that the server knows; the server holds its lock while a handler looks at it or changes it."""

    objects: Objects = field(default_factory=Objects)
    repositories: dict[str, Repository] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=lambda: {ACTIONS.id: ACTIONS})
    tokens: dict[str, Token] = field(default_factory=dict)
    # Whether a fork's PR is found by its commit: in the real GitHub it often is not.
    finds_forks_by_commit: bool = False
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1001))
    _seconds: Iterator[int] = field(default_factory=itertools.count)

    def next_id(self) -> int:
        return next(self._ids)

    def now(self) -> str:
        """A clock of its own: a second later at every look, so that order shows."""
        start = datetime(2026, 1, 1, tzinfo=timezone.utc)
        return (start + timedelta(seconds=next(self._seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def user(self, login: str) -> User:
        """The user of a login, made on the way if there is none; those ending in ``[bot]`` are bots."""
        if login not in self.users:
            number = 41898282 if login == ACTIONS.bot else self.next_id()
            self.users[login] = User(login, number, "Bot" if login.endswith("[bot]") else "User")
        return self.users[login]
