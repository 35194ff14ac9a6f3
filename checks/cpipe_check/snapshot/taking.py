"""Taking a snapshot: the chosen files of one commit, as regular files in a directory of their own."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from cpipe_check.snapshot import choose
from cpipe_check.snapshot.hub import Entry, Hub, NoSuchEntry, SnapshotError, TooLarge
from cpipe_check.snapshot.source import RepoType, Source, parse
from cpipe_check.submission import (
    INDEX,
    MAX_BYTES,
    README,
    Collection,
    RepositoryFiles,
    Submission,
    main_module,
    read_regular,
)
from cpipe_check.text import CleanText, clean_line

MAX_ENTRIES = 20_000
MAX_FILES = 200
MAX_TOTAL = 20_000_000
# The folder of a data set of pipelines that is for the newest diffusers.
_NEWEST = "main"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Some files of a repository at one commit.

    `repo` is the repository's name of today, `revision` what was asked for and `sha` the commit that it is. `directory`
    holds `files`, laid out as in the repository; `passed_over` are those that were chosen and are not there, with
    reasons. `names` are all files of the repository, or `complete` is False; `sizes` are theirs, in bytes, by the Hub's
    list. `label` is what the report calls it;
    `community` is the one file of a community pipeline, "" of a repository.
    """

    repo_type: RepoType
    repo: str
    revision: str
    sha: str
    directory: Path
    files: tuple[str, ...]
    passed_over: tuple[tuple[CleanText, CleanText], ...]
    names: frozenset[str]
    complete: bool
    sizes: Mapping[str, int]
    label: str
    community: str = ""


def take(
    source: str,
    directory: Path,
    *,
    endpoint: str | None = None,
    token: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Return a snapshot of `hub:OWNER/NAME[@REVISION]` or `community:NAME[@VERSION]`, laid out in an empty `directory`.

    Every file is a regular one of at most `MAX_BYTES`; weights are not downloaded. `endpoint` and `token` are
    huggingface_hub's own unless given. `tell` is told what is being fetched.

    Raises:
        BadSource: when the source names no repository; nothing has been asked then.
        SnapshotError: when the Hub refuses or does not answer, or huggingface_hub is missing.
    """
    wanted = parse(source)
    hub = Hub(wanted, endpoint, token)
    tell("its commit")
    repo, sha = hub.resolve(wanted.revision)
    folder = wanted.folder or (_NEWEST if wanted.repo_type == "dataset" else "")
    tell("its list of files")
    entries, complete = _entries(hub, wanted, sha, folder)
    chosen = choose.first(entries)
    if wanted.file:
        if wanted.file not in entries:
            raise _no_file(wanted, list(entries))
        chosen = [wanted.file, *(name for name in chosen if README.fullmatch(name))]
    fetched = _Fetch(hub, sha, entries, directory, tell).all(chosen)
    kind = "datasets/" if wanted.repo_type == "dataset" else ""
    place = "/".join(filter(None, (f"hub:{kind}{repo}@{sha[:7]}", folder)))
    return Snapshot(
        repo_type=wanted.repo_type,
        repo=repo,
        revision=wanted.revision,
        sha=sha,
        directory=directory,
        files=tuple(fetched.files),
        passed_over=tuple((clean_line(path), clean_line(why)) for path, why in fetched.passed_over),
        names=frozenset(entries),
        complete=complete,
        sizes={path: entry.size for path, entry in entries.items()},
        label=f"community:{folder}" if wanted.file else place,
        community=wanted.file,
    )


def _entries(hub: Hub, source: Source, sha: str, folder: str) -> tuple[dict[str, Entry], bool]:
    """The files of the repository, or of one folder of it, by their path there; and whether these are all."""
    try:
        listed = list(islice(hub.list(sha, folder, recursive=not folder), MAX_ENTRIES + 1))
    except NoSuchEntry:
        raise _no_folder(source, folder) from None
    prefix = f"{folder}/" if folder else ""
    entries = {e.path.removeprefix(prefix): e for e in listed[:MAX_ENTRIES] if e.path.startswith(prefix)}
    return entries, len(listed) <= MAX_ENTRIES


@dataclass(slots=True)
class _Fetch:
    """Fetching files one by one within limits, and what they lead to."""

    hub: Hub
    sha: str
    entries: dict[str, Entry]
    directory: Path
    tell: Callable[[str], None]
    files: list[str] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    left: int = MAX_TOTAL

    def all(self, chosen: list[str]) -> _Fetch:
        waiting, seen = deque(chosen), set(chosen)
        while waiting:
            path = waiting.popleft()
            content = self._one(path)
            if content is None:
                continue
            leads_to = [name for name in choose.following(path, content) if name in self.entries]
            waiting.extendleft(name for name in reversed(leads_to) if name not in seen)
            seen.update(leads_to)
        return self

    def _one(self, path: str) -> bytes | None:
        entry = self.entries[path]
        why = self._why_not(entry)
        if not why:
            self.tell(path)
            try:
                content = self.hub.read(self.sha, entry.path, min(MAX_BYTES, self.left))
            except TooLarge:
                why = "larger than the Hub's list of files says, and than a file may be"
            except NoSuchEntry:
                why = "the Hub does not have it any more"
            else:
                why = self._keep(path, content, entry)
                if not why:
                    return content
        self.passed_over.append((path, why))
        return None

    def _why_not(self, entry: Entry) -> str:
        if entry.lfs:
            return "stored as LFS, which no loader reads code from"
        if entry.size > MAX_BYTES:
            return f"{entry.size / 1e6:.1f} MB is too large (at most {MAX_BYTES / 1e6:g} MB)"
        if len(self.files) >= MAX_FILES or entry.size > self.left:
            return f"more than a snapshot holds ({MAX_FILES} files, {MAX_TOTAL / 1e6:g} MB)"
        return ""

    def _keep(self, path: str, content: bytes, entry: Entry) -> str:
        """Write a file; return why it cannot have its name here, "" when it can."""
        if len(content) != entry.size:
            raise SnapshotError(
                f"{path} came with {len(content)} bytes where the Hub's list has {entry.size}; run it again",
                may_pass=True,
            )
        target = self.directory / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Never through a link, nor over what is there: where case does not count, two names may be one.
            with open(target, "xb") as file:
                file.write(content)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG):
                return f"there can be no file of its name here: {error.strerror}"
            raise
        self.files.append(path)
        self.left -= len(content)
        return ""


def _no_folder(source: Source, folder: str) -> SnapshotError:
    if not source.file:
        return SnapshotError(f"{source.named} has no folder {folder}; it is no mirror of community pipelines")
    return SnapshotError(
        f"the mirror of community pipelines has no folder {folder}; give another release of diffusers or main, such as "
        f"community:{source.file.removesuffix('.py')}@main"
    )


def _no_file(source: Source, names: list[str]) -> SnapshotError:
    near = get_close_matches(source.file, [name for name in names if name.endswith(".py")], n=1)
    hint = f"; is it {near[0].removesuffix('.py')}?" if near else ""
    return SnapshotError(f"there is no community pipeline {source.file.removesuffix('.py')} in {source.folder}{hint}")


def submissions(snapshot: Snapshot) -> Collection:
    """Return the pipeline files of a snapshot.

    They are `pipeline.py`, the module that `model_index.json` names, and every other module at the root that mentions
    a pipeline; of a community pipeline its one file. When there is none, a problem says so.
    """
    roots = [name for name in snapshot.files if name.endswith(".py") and "/" not in name]
    index = read_regular(snapshot.directory / INDEX) if INDEX in snapshot.files else None
    files = RepositoryFiles(
        snapshot.names, index, snapshot.complete and (INDEX in snapshot.names) == (index is not None)
    )
    main = "" if snapshot.repo_type == "dataset" else main_module(files)
    sure = {main, "pipeline.py", snapshot.community}
    found: list[Submission] = []
    for name in [snapshot.community] if snapshot.community else sorted(roots, key=lambda name: (name != main, name)):
        if name not in snapshot.files:
            continue
        content = read_regular(snapshot.directory / name)
        if name in sure or b"Pipeline" in content:
            found.append(
                Submission(
                    f"{snapshot.label}/{name}",
                    content,
                    snapshot.directory,
                    discovered=name not in sure,
                    on_disk=False,
                    repository=files if name == main else None,
                )
            )
    problems = () if found else (clean_line(f"{snapshot.label}: {_why_none(snapshot, files)}"),)
    passed_over = tuple((clean_line(f"{snapshot.label}/{path}"), why) for path, why in snapshot.passed_over)
    return Collection(tuple(found), passed_over, problems)


def _why_none(snapshot: Snapshot, files: RepositoryFiles) -> str:
    unread = [why for path, why in snapshot.passed_over if path.endswith(".py")]
    if unread:
        return f"no pipeline file could be read: {unread[0]}"
    named = files.named_module()
    if named and f"{named}.py" not in snapshot.names and snapshot.complete:
        return f"model_index.json names {named}.py, which is not there, and there is no other pipeline file"
    return "no pipeline file: no pipeline.py, none that model_index.json names, no other at its root"
