"""How tests move the state: what users of the Hub do, by methods."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Mapping

from hub_server.endpoints_discussions import append, opened
from hub_server.model import Commit, Content, Discussion, Event, Repo, RepoType, State


class Driving:
    """The methods. Each holds the server's lock while it changes anything."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.lock = threading.RLock()

    def token(self, name: str) -> str:
        """A token of a user."""
        with self.lock:
            self.state.user(name)
            made = f"hf_{secrets.token_hex(12)}"
            self.state.tokens[made] = name
            return made

    def revoke(self, token: str) -> None:
        with self.lock:
            del self.state.tokens[token]

    def org(self, name: str, *members: str) -> None:
        """An organisation with these members."""
        with self.lock:
            found = self.state.user(name)
            found.type = "org"
            found.members.update(self.state.user(member).name for member in members)

    def repo(self, name: str, files: Mapping[str, Content] | None = None, type: RepoType = "model") -> Repo:
        """A repository whose main has these files."""
        with self.lock:
            self.state.user(name.partition("/")[0])
            made = Repo(name, type, self.state.next_id())
            self.state.repos[type, name] = made
            self._commit(made, "refs/heads/main", {".gitattributes": b"", **(files or {})}, None, made.owner)
            return made

    def push(self, repo: Repo, files: Mapping[str, Content | None], ref: str = "refs/heads/main") -> str:
        """A commit that adds, changes or (None) removes files; return its sha."""
        with self.lock:
            parent = repo.refs.get(ref) or repo.refs["refs/heads/main"]
            return self._commit(repo, ref, _changed(repo.commits[parent].files, files), parent, repo.owner)

    def force_push(self, repo: Repo, files: Mapping[str, Content | None], ref: str = "refs/heads/main") -> str:
        """The same in place of the last commit, which stays reachable by its sha."""
        with self.lock:
            last = repo.commits[repo.refs[ref]]
            return self._commit(repo, ref, _changed(last.files, files), last.parent, repo.owner)

    def delete_ref(self, repo: Repo, ref: str) -> None:
        with self.lock:
            del repo.refs[ref]

    def open_pr(
        self, repo: Repo, author: str, files: Mapping[str, Content | None], *, title: str = "A change", text: str = "Hi"
    ) -> Discussion:
        """A pull request with one commit."""
        with self.lock:
            self.state.user(author)
            made = opened(self.state, repo, title, author, True)
            append(self.state, made, "comment", author, text)
            self.update_pr(repo, made, files)
            return made

    def update_pr(self, repo: Repo, pull: Discussion, files: Mapping[str, Content | None]) -> str:
        """One more commit in a pull request; return its sha."""
        with self.lock:
            sha = self.push(repo, files, pull.ref)
            append(self.state, pull, "commit", pull.author, sha).before = "A commit"
            return sha

    def open_discussion(self, repo: Repo, author: str, text: str, *, title: str = "A question") -> Discussion:
        with self.lock:
            self.state.user(author)
            made = opened(self.state, repo, title, author, False)
            append(self.state, made, "comment", author, text)
            return made

    def comment(self, found: Discussion, author: str, text: str) -> Event:
        with self.lock:
            self.state.user(author)
            return append(self.state, found, "comment", author, text)

    def close_discussion(self, found: Discussion, author: str, status: str = "closed") -> None:
        """Close it, or open or merge it by its ``status``."""
        with self.lock:
            found.status = status
            append(self.state, found, "status-change", author, status)

    def rename(self, repo: Repo, name: str) -> None:
        """Move a repository; the old name leads to the new one."""
        with self.lock:
            del self.state.repos[repo.type, repo.name]
            self.state.moved[repo.type, repo.name] = name
            self.state.user(name.partition("/")[0])
            repo.name = name
            self.state.repos[repo.type, name] = repo

    def delete(self, repo: Repo) -> None:
        with self.lock:
            del self.state.repos[repo.type, repo.name]

    def _commit(self, repo: Repo, ref: str, files: Mapping[str, Content], parent: str | None, author: str) -> str:
        now = self.state.now()
        sha = hashlib.sha1(f"{repo.id} {now} {len(repo.commits)}".encode()).hexdigest()
        repo.commits[sha] = Commit(sha, dict(files), "A commit", author, now, parent)
        repo.refs[ref] = sha
        return sha


def _changed(files: Mapping[str, Content], changes: Mapping[str, Content | None]) -> dict[str, Content]:
    merged = {**files, **changes}
    return {path: content for path, content in merged.items() if content is not None}
