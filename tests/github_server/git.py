"""Git objects with git's own hashes, and the difference of two commits as GitHub tells it."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True, slots=True)
class Submodule:
    """A submodule at a commit."""

    sha: str = "5" * 40
    url: str = "https://example.invalid/other.git"


Content = bytes | Link | Submodule


@dataclass(frozen=True, slots=True)
class Entry:
    mode: str
    type: str
    sha: str


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: str
    date: str
    files: Mapping[str, Content]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a PR's changed files; ``patch`` is None for binary files."""

    path: str
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None
    previous: str | None = None


@dataclass(slots=True)
class Objects:
    """What all repositories of a network share."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, dict[str, Entry]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def commit(
        self, files: Mapping[str, Content], parents: tuple[str, ...], message: str, author: str, date: str
    ) -> Commit:
        tree = self._tree(files)
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {author} {date}", "", message]
        sha = _hash("commit", "\n".join(lines).encode())
        return self.commits.setdefault(sha, Commit(sha, tree, parents, message, author, date, dict(files)))

    def _tree(self, files: Mapping[str, Content]) -> str:
        entries: dict[str, Entry] = {}
        below: dict[str, dict[str, Content]] = {}
        for path, content in files.items():
            head, slash, rest = path.partition("/")
            if slash:
                below.setdefault(head, {})[rest] = content
            else:
                entries[head] = self._entry(content)
        for name, inner in below.items():
            entries[name] = Entry("040000", "tree", self._tree(inner))
        ordered = dict(sorted(entries.items(), key=lambda item: item[0] + ("/" if item[1].type == "tree" else "")))
        raw = b"".join(
            f"{entry.mode.lstrip('0')} {name}\0".encode() + bytes.fromhex(entry.sha) for name, entry in ordered.items()
        )
        sha = _hash("tree", raw)
        self.trees[sha] = ordered
        return sha

    def _entry(self, content: Content) -> Entry:
        if isinstance(content, Submodule):
            return Entry("160000", "commit", content.sha)
        data = content.target.encode() if isinstance(content, Link) else content
        sha = blob_sha(data)
        self.blobs[sha] = data
        return Entry("120000" if isinstance(content, Link) else "100644", "blob", sha)

    def ancestors(self, sha: str) -> list[str]:
        """A commit and all before it, nearest first."""
        seen, queue = [], [sha]
        while queue:
            at = queue.pop(0)
            if at not in seen:
                seen.append(at)
                queue += self.commits[at].parents
        return seen

    def merge_base(self, one: str, other: str) -> str | None:
        theirs = set(self.ancestors(other))
        return next((sha for sha in self.ancestors(one) if sha in theirs), None)


def _hash(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


def blob_sha(data: bytes) -> str:
    return _hash("blob", data)


def _data(content: Content) -> bytes:
    match content:
        case Link(target):
            return target.encode()
        case Submodule(sha):
            return f"Subproject commit {sha}\n".encode()
        case _:
            return content


def _sha(content: Content) -> str:
    return content.sha if isinstance(content, Submodule) else blob_sha(_data(content))


def changes(before: Mapping[str, Content], after: Mapping[str, Content]) -> list[Change]:
    """The changed files by path, renames found as git finds them: equal content, or half of the lines alike."""
    gone = [path for path in before if path not in after]
    found = []
    for path in sorted({*before, *after}):
        if path not in before:
            previous = _renamed_from(after[path], {old: before[old] for old in gone})
            if previous is None:
                found.append(_change(path, "added", b"", after[path]))
            else:
                gone.remove(previous)
                found.append(_change(path, "renamed", before[previous], after[path], previous))
        elif path in after and (before[path] != after[path]):
            found.append(_change(path, "modified", before[path], after[path]))
    found += [_change(path, "removed", before[path], b"") for path in gone]
    return sorted(found, key=lambda change: change.path)


def _renamed_from(content: Content, gone: Mapping[str, Content]) -> str | None:
    if not isinstance(content, bytes) or not content:
        return None
    for path, old in gone.items():
        if old == content:
            return path
    new_lines = content.splitlines()
    for path, old in gone.items():
        alike = isinstance(old, bytes) and difflib.SequenceMatcher(None, old.splitlines(), new_lines).ratio() >= 0.5
        if alike:
            return path
    return None


def _change(path: str, status: str, old: Content, new: Content, previous: str | None = None) -> Change:
    sha = _sha(old if status == "removed" else new)
    patch = make_patch(_data(old), _data(new))
    lines = (patch or "").split("\n")
    plus, minus = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return Change(path, status, sha, plus, minus, patch, previous)


def make_patch(old: bytes, new: bytes) -> str | None:
    """The hunks between two texts; None where GitHub shows none: binary, huge, or only renamed."""
    if b"\0" in old + new or len(old) + len(new) > 1_000_000 or old == new:
        return None
    before, after = (data.decode(errors="replace").split("\n") for data in (old, new))
    out = []
    for line in list(difflib.unified_diff(_with_ends(before), _with_ends(after)))[2:]:
        out.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(out).removesuffix("\n")


def _with_ends(lines: list[str]) -> list[str]:
    """Split at line feeds alone, as git does; only the last line may have none."""
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def lines_on_diff(patch: str | None) -> Iterator[tuple[str, int, int]]:
    """Side, line and position of every line that a comment can stand on; context lines are on both sides."""
    left = right = 0
    for position, line in enumerate((patch or "").split("\n")):
        if header := re.match(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@", line):
            left, right = int(header[1]), int(header[2])
            continue
        if line[:1] in ("-", " "):
            yield "LEFT", left, position
            left += 1
        if line[:1] in ("+", " "):
            yield "RIGHT", right, position
            right += 1


def moved_line(old: bytes, new: bytes, line: int) -> int | None:
    """Where a line of one text stands in another; None where it was changed."""
    blocks = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False).get_matching_blocks()
    for block in blocks:
        if block.a < line <= block.a + block.size:
            return line - block.a + block.b
    return None
