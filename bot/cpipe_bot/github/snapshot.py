"""The files of a repository at one commit, read by the API: exact modes, nothing followed, nothing checked out."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property

from github.GitTree import GitTree
from github.Repository import Repository

from cpipe_check.submission import MAX_BYTES

_REGULAR = frozenset({"100644", "100755"})
_KINDS = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a directory"}


class Unreadable(Exception):
    """A path that is not read; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path: git's mode, the object and its size in bytes (0 where git keeps none)."""

    mode: str
    sha: str
    size: int


class Snapshot:
    """The files of a repository at a commit. What was listed once is not asked for again."""

    def __init__(self, repository: Repository, commit: str) -> None:
        self._repository = repository
        self._commit = commit
        self._trees: dict[str, dict[str, Entry]] = {}

    def entry(self, path: str) -> Entry | None:
        """Return what stands at `path`, None when there is nothing."""
        *folders, name = path.split("/")
        tree = self._root
        for folder in folders:
            found = self._listing(tree).get(folder)
            if found is None or found.mode != "040000":
                return None
            tree = found.sha
        return self._listing(tree).get(name)

    def read(self, path: str) -> bytes:
        """Return the bytes of the regular file at `path`.

        Raises:
            Unreadable: when it is anything else, or larger than a pipeline file may be.
        """
        found = self.entry(path)
        if found is None:
            raise Unreadable("no such file")
        if found.mode not in _REGULAR:
            raise Unreadable(f"{_KINDS.get(found.mode, 'no regular file')}, which is not followed")
        if found.size > MAX_BYTES:
            raise Unreadable(f"{found.size / 1e6:.1f} MB is too large (at most {MAX_BYTES / 1e6:g} MB)")
        content = base64.b64decode(self._repository.get_git_blob(found.sha).content)
        if len(content) > MAX_BYTES:
            raise Unreadable(f"{len(content) / 1e6:.1f} MB is too large (at most {MAX_BYTES / 1e6:g} MB)")
        return content

    @cached_property
    def _root(self) -> str:
        return self._repository.get_git_commit(self._commit).tree.sha

    def _listing(self, sha: str) -> dict[str, Entry]:
        if sha not in self._trees:
            tree: GitTree = self._repository.get_git_tree(sha)
            self._trees[sha] = {e.path: Entry(e.mode, e.sha, e.size or 0) for e in tree.tree}
        return self._trees[sha]
