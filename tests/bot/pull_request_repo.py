"""A repository with a pull request, made by git, and its checkout as actions/checkout makes it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_WHO = "Somebody <somebody@example.org> 1700000000 +0000"


@dataclass(frozen=True)
class Odd:
    """What is no regular file: a symbolic link to a path, or a submodule at a commit."""

    mode: str
    target: str


def link(target: str) -> Odd:
    """A symbolic link."""
    return Odd("120000", target)


SUBMODULE = Odd("160000", "1" * 40)
Files = Mapping[str, "bytes | Odd | None"]


@dataclass(frozen=True)
class PullRequest:
    """A pull request on a server; `base` is its base branch's last commit, `head` its own, `merge` GitHub's of both."""

    server: Path
    base: str
    head: str
    merge: str

    def check_out(self, directory: Path, sha: str = "", depth: int = 2) -> Path:
        """Check out the merge commit, or another one, as actions/checkout does; with depth 0, all there is."""
        sha = sha or self.merge
        directory.mkdir(parents=True)
        git(directory, "init", "-q", ".")
        shallow = [f"--depth={depth}"] if depth else []
        git(directory, "fetch", "-q", "--no-tags", *shallow, self.server.as_uri(), f"+{sha}:refs/remotes/pull/7/merge")
        if not depth:
            git(directory, "fetch", "-q", self.server.as_uri(), "+refs/heads/*:refs/remotes/origin/*")
        git(directory, "checkout", "-q", "--force", "refs/remotes/pull/7/merge")
        return directory

    def event(self) -> dict[str, object]:
        """As much of the `pull_request` event as is read."""
        return {"number": 7, "pull_request": {"number": 7, "head": {"sha": self.head}, "base": {"sha": self.base}}}


def open_pull_request(server: Path, base: Files, changes: Files, *, meanwhile: Files | None = None) -> PullRequest:
    """Make a pull request that changes files of `base`; on its base branch, `meanwhile` has come since it began."""
    server.mkdir(parents=True)
    git(server, "init", "-q", "--bare", "-b", "main", ".")
    git(server, "config", "uploadpack.allowAnySHA1InWant", "true")
    stream = b"".join(
        (
            _commit("refs/heads/main", 1, [], base),
            _commit("refs/pull/7/head", 2, [1], changes),
            _commit("refs/heads/main", 3, [1], meanwhile or {"news.txt": b"news\n"}),
            _commit("refs/pull/7/merge", 4, [3, 2], changes),
        )
    )
    git(server, "fast-import", "--quiet", "--force", stdin=stream)
    return PullRequest(
        server, *(git(server, "rev-parse", ref) for ref in ("refs/heads/main", "refs/pull/7/head", "refs/pull/7/merge"))
    )


def _commit(ref: str, mark: int, parents: list[int], files: Files) -> bytes:
    lines = [f"commit {ref}\nmark :{mark}\ncommitter {_WHO}\ndata 0\n".encode()]
    lines += [f"{'merge' if i else 'from'} :{parent}\n".encode() for i, parent in enumerate(parents)]
    for path, content in files.items():
        lines.append(_change(_quoted(path), content))
    return b"".join((*lines, b"\n"))


def _change(path: bytes, content: bytes | Odd | None) -> bytes:
    if content is None:
        return b"D " + path + b"\n"
    if isinstance(content, Odd) and content.mode == "160000":
        return b"M 160000 " + content.target.encode() + b" " + path + b"\n"
    mode, data = ("120000", content.target.encode()) if isinstance(content, Odd) else ("100644", content)
    return f"M {mode} inline ".encode() + path + f"\ndata {len(data)}\n".encode() + data + b"\n"


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path)
    return b'"' + b"".join(b"\\%03o" % byte if byte < 32 or byte in b'"\\' else bytes([byte]) for byte in raw) + b'"'


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git without anybody's settings; return what it says."""
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()
