"""What is named on a command line: `hub:OWNER/NAME[@REVISION]` and `community:NAME[@VERSION]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from cpipe_check.text import clean_line

RepoType = Literal["model", "dataset"]
# `COMMUNITY_PIPELINES_MIRROR_ID` in diffusers 0.42's utils/dynamic_modules_utils.py.
MIRROR = "diffusers/community-pipelines-mirror"
_PREFIXES = ("hub:", "community:")
_PART = r"[A-Za-z0-9_](?:[\w-]|\.(?!\.)){0,95}"
_REPO = re.compile(rf"(datasets/)?({_PART}/{_PART})", re.ASCII)
_REVISION = re.compile(r"\w[\w./+-]{0,254}", re.ASCII)
_COMMUNITY = re.compile(r"\w[\w-]{0,99}", re.ASCII)
_VERSION = re.compile(r"v?(\d{1,4}(?:\.\d{1,4}){1,3})", re.ASCII)


class BadSource(Exception):
    """What was given names no repository; the message is one line that says how to write one."""


@dataclass(frozen=True, slots=True)
class Source:
    """A repository of the Hub at a revision; with a `file`, that one community pipeline in the mirror's `folder`."""

    repo_type: RepoType
    repo: str
    revision: str
    folder: str = ""
    file: str = ""

    @property
    def named(self) -> str:
        """What it is called in messages."""
        return f"{'the data set ' if self.repo_type == 'dataset' else ''}{self.repo}"


def is_source(path: str) -> bool:
    """Tell whether a path on the command line names a repository on the Hub."""
    return path.startswith(_PREFIXES)


def parse(text: str) -> Source:
    """Return what `hub:OWNER/NAME[@REVISION]`, `hub:datasets/OWNER/NAME[@REVISION]` or `community:NAME[@VERSION]` name.

    Without a revision it is `main`. Without a version it is the installed diffusers' own folder of the mirror, or
    `main` where that is no release, as `get_cached_module_file` in diffusers 0.42 has it.

    Raises:
        BadSource: when it is none of them.
    """
    kind, _, rest = text.partition(":")
    name, at, revision = rest.partition("@")
    source = _from_community(name, revision, at) if kind == "community" else _from_hub(name, revision or "main")
    if source is None or (at and not revision):
        raise BadSource(
            f"{clean_line(text, 200)}: write hub:OWNER/NAME or hub:OWNER/NAME@REVISION, where a revision is a branch, "
            "a tag, a commit or refs/pr/N; or community:NAME or community:NAME@VERSION, where a version is a release "
            "of diffusers or main"
        )
    return source


def _from_hub(name: str, revision: str) -> Source | None:
    repo = _REPO.fullmatch(name)
    if repo is None or not is_revision(revision) or repo[2].endswith((".", "-", ".git")):
        return None
    return Source("dataset" if repo[1] else "model", repo[2], revision)


def is_revision(text: str) -> bool:
    """Tell whether a text may be a branch, a tag, a commit or `refs/pr/N`."""
    return bool(_REVISION.fullmatch(text)) and ".." not in text and "//" not in text and not text.endswith(("/", "."))


def is_repo(text: str) -> bool:
    """Tell whether a text may be `OWNER/NAME`."""
    match = _REPO.fullmatch(text)
    return match is not None and match[1] is None


def _from_community(name: str, version: str, at: str) -> Source | None:
    if not _COMMUNITY.fullmatch(name):
        return None
    if not at:
        return Source("dataset", MIRROR, "main", _default_folder(), f"{name}.py")
    match = _VERSION.fullmatch(version)
    if match is None and version != "main":
        return None
    return Source("dataset", MIRROR, "main", f"v{match[1]}" if match else "main", f"{name}.py")


def _default_folder() -> str:
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(metadata.version("diffusers"))
    except (metadata.PackageNotFoundError, InvalidVersion):
        return "main"
    return "main" if version.is_prerelease or version.local else f"v{version.base_version}"
