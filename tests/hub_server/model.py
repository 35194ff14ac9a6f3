"""The state of the server: plain records, and no JSON."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

RepoType = Literal["model", "dataset"]
Kind = Literal["comment", "status-change", "title-change", "commit"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A large file, of which only the size is real."""

    size: int


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, which the Hub lists as a file that holds its target."""

    target: str


Content = bytes | Stored | Link


@dataclass(slots=True)
class User:
    name: str
    id: str
    type: Literal["user", "org"] = "user"
    members: set[str] = field(default_factory=set)
    app: str = ""


@dataclass(slots=True)
class Commit:
    sha: str
    files: Mapping[str, Content]
    title: str
    author: str
    created: str
    parent: str | None


@dataclass(slots=True)
class Event:
    """An event of a discussion. ``raw`` is a comment's text, or the new status or title, or a commit."""

    id: str
    kind: Kind
    author: str
    created: str
    raw: str
    before: str = ""
    edits: int = 0
    hidden_by: str = ""
    updated: str = ""


@dataclass(slots=True)
class Discussion:
    num: int
    title: str
    author: str
    created: str
    is_pull_request: bool
    id: str
    status: str = "open"
    events: list[Event] = field(default_factory=list)

    @property
    def comments(self) -> list[Event]:
        """The comments that are shown."""
        return [event for event in self.events if event.kind == "comment" and not event.hidden_by]

    @property
    def ref(self) -> str:
        return f"refs/pr/{self.num}" if self.is_pull_request else "refs/heads/main"


@dataclass(slots=True)
class Repo:
    name: str
    type: RepoType
    id: str
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    discussions: dict[int, Discussion] = field(default_factory=dict)
    private: bool = False
    gated: bool = False
    disabled: bool = False
    granted: set[str] = field(default_factory=set)

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0]

    def files(self, ref: str = "refs/heads/main") -> dict[str, Content]:
        return dict(self.commits[self.refs[ref]].files) if ref in self.refs else {}

    def resolve(self, revision: str) -> Commit | None:
        """The commit of a branch, a tag, a ref or a sha."""
        for name in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if name in self.refs:
                return self.commits[self.refs[name]]
        return self.commits.get(revision)


@dataclass(slots=True)
class Webhook:
    id: str
    url: str
    watched: list[dict[str, str]]
    domains: list[str]
    secret: str | None
    owner: str
    disabled: bool = False


@dataclass(slots=True)
class Job:
    """A Job. `spec` is the body that it was started by, `log` what it has printed, a line each."""

    id: str
    namespace: str
    spec: Mapping[str, Any]
    created: datetime
    stage: str = "SCHEDULING"
    message: str | None = None
    finished: datetime | None = None
    log: list[str] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        return dict(self.spec["environment"])

    def end(self, stage: str = "COMPLETED", message: str | None = None) -> None:
        """Bring it to its end, unless it is there already."""
        if self.finished is None:
            self.stage, self.message, self.finished = stage, message, datetime.now(timezone.utc)


@dataclass(slots=True)
class State:
    """All that the server knows; the server holds its lock while an endpoint looks at it or changes it."""

    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    moved: dict[tuple[str, str], str] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    # Called with each Job that is started, in a thread of its own.
    run_job: Callable[[Job], None] = lambda job: None
    # What the stream of a Job's log is made of; may go on for ever.
    stream: Callable[[Job], Iterator[bytes]] | None = None
    page: int = 50
    tree_page: int = 1000
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _seconds: Iterator[int] = field(default_factory=itertools.count)

    def next_id(self) -> str:
        """An id as the Hub's database has them."""
        return f"{0x66000000 + next(self._ids):08x}{'ab' * 8}"

    def now(self) -> str:
        """A clock of its own: a second later at every look, so that order shows."""
        start = datetime(2026, 1, 1, tzinfo=timezone.utc)
        return (start + timedelta(seconds=next(self._seconds))).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def user(self, name: str) -> User:
        """The user of a name, made on the way if there is none."""
        if name not in self.users:
            self.users[name] = User(name, self.next_id())
        return self.users[name]

    def is_owner(self, repo: Repo, name: str) -> bool:
        return repo.owner == name

    def is_member(self, repo: Repo, name: str) -> bool:
        owner = self.users.get(repo.owner)
        return owner is not None and name in owner.members

    def may_write(self, repo: Repo, name: str) -> bool:
        return bool(name) and (self.is_owner(repo, name) or self.is_member(repo, name))

    def may_read(self, repo: Repo, name: str) -> bool:
        return not repo.private or self.may_write(repo, name) or name in repo.granted


def object_id(content: Content) -> str:
    """The id of a file's content, as git makes it."""
    data = content if isinstance(content, bytes) else repr(content).encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def size_of(content: Content) -> int:
    if isinstance(content, Stored):
        return content.size
    return len(content.target) if isinstance(content, Link) else len(content)
