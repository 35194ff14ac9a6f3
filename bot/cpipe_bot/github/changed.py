"""The files that a pull request changes, by git: read from its objects, as GitHub's API would give them.

The work tree is not read, which attributes in it may have changed (line endings, encodings), and no link is followed.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cpipe_bot.github.globs import matches
from cpipe_check.submission import MAX_BYTES

SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# As many as a publisher takes.
MAX_FILES = 1000
_REGULAR = frozenset({"100644", "100755"})
_KINDS = {"120000": "a symbolic link, which is not followed", "160000": "a submodule"}
_SECONDS = 600
# Nothing of a repository's own choosing is run, whatever its configuration says.
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "protocol.allow=never",
)


class NoChange(Exception):
    """It cannot be told what the pull request changes. The message is one line: why, and what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a pull request changes: `head` against `since`. `base` is the base branch's commit, whose settings count."""

    base: str
    since: str
    head: str


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A pipeline file that is changed: its path, and either its bytes or the reason why it is passed over."""

    path: str
    content: bytes | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of git's list: what became of a path, as a letter, and what stands there now."""

    status: str
    path: str
    mode: str
    sha: str
    was: str = ""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout of a pull request: the merge commit that GitHub makes of it, or its head."""

    root: Path

    def change(self, head: str = "", base: str = "") -> Change:
        """Return what is to be checked.

        `head` is the pull request's last commit, and `base` one of its base branch, "" when not known.

        Raises:
            NoChange: when what is checked out does not belong to `head`, or git does not have what it is against.
        """
        for sha in filter(None, (head, base)):
            if not SHA.fullmatch(sha):
                raise NoChange(f"{sha[:80]!r} is no commit's name: 40 digits of 0-9a-f")
        if self._git("rev-parse", "--show-prefix").strip():
            raise NoChange(f"{self.root} is not where a repository is checked out, but a directory in one")
        here, *parents = self._words("rev-list", "--parents", "-n", "1", "HEAD")
        if len(parents) == 2 and head in ("", parents[1]):
            # The merge commit of a pull request has the base branch first.
            return Change(parents[0], parents[0], here)
        if head not in ("", here):
            raise NoChange(
                f"what is checked out is neither {head} nor GitHub's merge of it with the base branch: the pull "
                "request has a newer commit, or conflicts"
            )
        if not base:
            raise NoChange("HEAD is no pull request's merge commit; check out with `fetch-depth: 2`, and no `ref`")
        since = self._git("merge-base", base, here, check=False).decode().strip()
        if not since:
            raise NoChange(
                f"this checkout does not reach back to where the branch began ({base}); check out with "
                "`fetch-depth: 2` and no `ref`, or with `fetch-depth: 0`"
            )
        return Change(base, since, here)

    def files(self, change: Change, patterns: Sequence[str], exclude: Sequence[str]) -> list[ChangedFile]:
        """Return the changed files whose path fits one of `patterns` and none of `exclude`, in git's order.

        Raises:
            NoChange: when git fails.
        """

        def chosen(path: str) -> bool:
            return matches(path, patterns) and not matches(path, exclude)

        entries = list(self._entries(change))
        found = [entry for entry in entries if chosen(entry.path)]
        wanted = [e.sha for e in found if e.status != "D" and e.mode in _REGULAR][:MAX_FILES]
        contents = self._contents(dict.fromkeys(wanted))
        away = [e for e in entries if e.was and chosen(e.was) and not chosen(e.path)]
        moved = [ChangedFile(entry.was, None, f"moved to {entry.path}") for entry in away]
        return [*(_file(entry, contents) for entry in found), *moved]

    def settings(self, change: Change) -> bytes | None:
        """Return the base branch's pyproject.toml, None when it has none."""
        return self._blob(change.base, "pyproject.toml")

    def _blob(self, commit: str, path: str) -> bytes | None:
        listed = self._git("ls-tree", "-z", commit, "--", path).decode(errors="replace")
        mode, _, rest = listed.partition(" ")
        sha = rest.partition(" ")[2].partition("\t")[0]
        content = self._contents({sha: None}).get(sha) if mode in _REGULAR else None
        return content if isinstance(content, bytes) else None

    def _entries(self, change: Change) -> Iterator[_Entry]:
        options = ("-r", "-z", "-M", "--raw", "--no-ext-diff", "--no-textconv", "--no-abbrev", "--end-of-options")
        fields = iter(self._git("diff-tree", *options, change.since, change.head).split(b"\0"))
        for head in fields:
            if not head:
                continue
            _, mode, _, sha, status = head.decode("ascii").split(" ")
            path = os.fsdecode(next(fields))
            was = ""
            if status[0] in "RC":
                was, path = path if status[0] == "R" else "", os.fsdecode(next(fields))
            yield _Entry(status[0], path, mode, sha, was)

    def _contents(self, shas: dict[str, None]) -> dict[str, bytes | int]:
        """The bytes of each object, or its size when it is too large for a pipeline file."""
        listed = self._git("cat-file", "--batch-check", stdin="".join(f"{sha}\n" for sha in shas).encode())
        sizes = {sha: int(size) for sha, _, size in (line.split(" ") for line in listed.decode().splitlines())}
        small = [sha for sha, size in sizes.items() if size <= MAX_BYTES]
        packed = self._git("cat-file", "--batch", stdin="".join(f"{sha}\n" for sha in small).encode())
        found: dict[str, bytes | int] = dict(sizes)
        start = 0
        for sha in small:
            start = packed.index(b"\n", start) + 1
            found[sha] = packed[start : start + sizes[sha]]
            start += sizes[sha] + 1
        return found

    def _words(self, *arguments: str) -> list[str]:
        return self._git(*arguments).decode().split()

    def _git(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
        settings = [word for each in (*_SAFE, f"safe.directory={self.root.resolve()}") for word in ("-c", each)]
        # GIT_DIR and its like would name another repository.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= {
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        try:
            done = subprocess.run(
                ["git", "--no-pager", *settings, "-C", str(self.root), *arguments],
                input=stdin,
                capture_output=True,
                env=environment,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoChange(f"git does not run: {error}") from None
        if check and done.returncode:
            why = done.stderr.decode(errors="replace").strip().splitlines()
            raise NoChange(f"git {arguments[0]} fails: {why[0] if why else f'exit code {done.returncode}'}")
        return done.stdout


def _file(entry: _Entry, contents: dict[str, bytes | int]) -> ChangedFile:
    if entry.status == "D":
        return ChangedFile(entry.path, None, "deleted")
    if entry.mode not in _REGULAR:
        return ChangedFile(entry.path, None, _KINDS.get(entry.mode, "no regular file"))
    content = contents.get(entry.sha)
    if content is None:
        return ChangedFile(entry.path, None, f"one too many: at most {MAX_FILES} files are checked")
    if isinstance(content, int):
        limit = f"at most {MAX_BYTES / 1e6:g} MB"
        return ChangedFile(entry.path, None, f"{content / 1e6:.1f} MB is too large for a pipeline file ({limit})")
    if b"\0" in content and b"Pipeline" not in content:
        return ChangedFile(entry.path, None, "binary: it has a NUL byte, which Python takes in no source")
    return ChangedFile(entry.path, content)
