"""A run: what became of a piece of work, as the store keeps it and the pages show it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from cpipe_bot.jobs.work import Conclusion, RepoType, Trigger, Work
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.text import CleanText

State = Literal["queued", "running", "done", "superseded", "opted out", "dead"]
STATES: tuple[State, ...] = get_args(State)
CONCLUSIONS: tuple[Conclusion, ...] = get_args(Conclusion)
MAIN = "refs/heads/main"

_ID = re.compile(r"[0-9a-f]{32}")
_NAME = r"\w(?:[\w.-]{0,94}\w)?"
_REPO = re.compile(f"{_NAME}/{_NAME}", re.ASCII)
_PULL_REQUEST = re.compile(r"refs/pr/(\d{1,9})", re.ASCII)


def run_id(work: Work) -> str:
    """Return what names the run of a piece of work: 32 hexadecimal digits."""
    return hashlib.sha256(work.key.encode()).hexdigest()[:32]


def is_run_id(text: str) -> bool:
    """Tell whether a text from outside may name a run."""
    return _ID.fullmatch(text) is not None


def is_repo(text: str) -> bool:
    """Tell whether a text from outside may name a repository of the Hub: `owner/name`."""
    return _REPO.fullmatch(text) is not None and not {"..", "--"} & {text[i : i + 2] for i in range(len(text))}


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What a run's page and a repository's history tell of a pipeline file, without opening the report.

    `loads` is the verdict for the target's releases, `smoke` the smoke-load's; `ranges` holds, by library and from
    old to new, the releases on which it loads; why it does not on others is in the report only.
    """

    path: str
    pipeline_class: str
    static: str
    loads: bool | None
    smoke: str
    ranges: Mapping[str, tuple[LoadRange, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A check of a repository at a commit, from when it was accepted on.

    `conclusion` is None until it is done. `discussion` is the number of the one that asked or was answered in. `error`
    says why it was given up or has to wait. A `dry_run` answered nobody. It took `seconds`.
    Times are in UTC.
    """

    id: str
    repo_type: RepoType
    repo: str
    ref: CleanText
    sha: str
    trigger: Trigger
    state: State
    conclusion: Conclusion | None
    headline: CleanText
    created: datetime
    started: datetime | None
    finished: datetime | None
    seconds: float | None
    discussion: int | None
    error: CleanText
    dry_run: bool
    files: tuple[CheckedFile, ...] = ()

    @property
    def pull_request(self) -> int | None:
        """The number of the pull request whose ref was checked, None for a branch."""
        found = _PULL_REQUEST.fullmatch(self.ref)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which runs are asked for: those of repositories with `repo` in their name, in a state, with a conclusion."""

    repo: str = ""
    state: State | None = None
    conclusion: Conclusion | None = None
