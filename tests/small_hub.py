"""A Hub on the loopback interface, of as much as a snapshot asks for, answering as the Hub answers huggingface_hub."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 100


@dataclass
class Repo:
    """A repository: its files by revision, and who may see it.

    `sizes` are lies about sizes, `lfs` the files of which the listing says that they are LFS; they lie on another host.
    """

    revisions: dict[str, dict[str, bytes]]
    private: bool = False
    gated: bool = False
    disabled: bool = False
    moved_to: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    lfs: frozenset[str] = frozenset()

    def sha(self, revision: str) -> str | None:
        """The commit of a revision; one commit's name is that of its files."""
        if revision in self.revisions:
            text = repr(sorted(self.revisions[revision].items()))
            return hashlib.sha1(text.encode()).hexdigest()
        return next((revision for known in self.revisions if self.sha(known) == revision), None)

    def files(self, sha: str) -> dict[str, bytes]:
        """The files of a commit."""
        return next(files for name, files in self.revisions.items() if self.sha(name) == sha)


@dataclass
class Fault:
    """What happens to requests whose path holds `at`: a status with headers, "hang up", "cut" or "stall"."""

    at: str
    what: int | str
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1000


class SmallHub:
    """The server and what it has: models by `OWNER/NAME`, data sets by `datasets/OWNER/NAME`.

    `shown` are the tokens that the other host was sent, where large files lie.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.shown: list[str] = []
        self.sent = 0
        self.url = ""

    def fault(self, path: str) -> Fault | None:
        """The fault of this request, which is used up by it."""
        for fault in self.faults:
            if fault.at in path and fault.times:
                fault.times -= 1
                return fault
        return None


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may hang up whenever they like."""


@contextmanager
def serve() -> Iterator[SmallHub]:
    """A running Hub with nothing in it."""
    hub = SmallHub()

    class Handler(_Handler):
        there = hub

    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    there: SmallHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.there.asked.append(self.path)
        fault = self.there.fault(self.path)
        if fault is not None and isinstance(fault.what, int):
            self._answer(fault.what, b"{}", fault.headers)
            return
        if fault is not None and fault.what != "cut":
            time.sleep(1.0 if fault.what == "stall" else 0)
            self.close_connection = True
            return
        self._cut = fault is not None
        parts = urlsplit(self.path)
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if path[0] == "large":
            self.there.shown += self.headers.get_all("Authorization", [])
            self._file(["models", *path[1:]], elsewhere=True)
        elif path[:2] == ["api", "resolve-cache"]:
            self._file(path[2:])
        elif path[0] == "api":
            name = "/".join(path[2:4])
            self._api(name if path[1] == "models" else f"datasets/{name}", path[4:], query, parts.path)
        else:
            self._resolve(path)

    def _repo(self, name: str) -> Repo | None:
        repo = self.there.repos.get(name)
        allowed = self.headers.get("Authorization") == "Bearer hf_good"
        if self.headers.get("Authorization") not in (None, "Bearer hf_good"):
            self._answer(401, b"{}", {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif repo is None or (repo.private and not allowed):
            self._answer(401 if not allowed else 404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif repo.disabled:
            self._answer(403, b"{}", {"X-Error-Message": "Access to this resource is disabled."})
        else:
            return repo
        return None

    def _api(self, name: str, rest: list[str], query: dict[str, str], path: str) -> None:
        repo = self._repo(name)
        if repo is None:
            return
        if repo.moved_to:
            self._answer(307, b"", {"Location": self.path.replace(name, repo.moved_to)})
            return
        sha = repo.sha(rest[1])
        if sha is None:
            self._answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif rest[0] == "revision":
            self._json({"_id": "1", "id": name.removeprefix("datasets/"), "sha": sha})
        elif rest[0] == "tree":
            self._tree(repo, sha, "/".join(rest[2:]), query, path)
        else:
            self._answer(404, b"{}", {})

    def _tree(self, repo: Repo, sha: str, folder: str, query: dict[str, str], path: str) -> None:
        found: list[dict[str, object]] = []
        prefix = f"{folder}/" if folder else ""
        for name, content in sorted(repo.files(sha).items()):
            if not name.startswith(prefix):
                continue
            if query.get("recursive") != "true" and "/" in name.removeprefix(prefix):
                continue
            size = repo.sizes.get(name, len(content))
            entry: dict[str, object] = {"type": "file", "oid": "0" * 40, "size": size, "path": name}
            if name in repo.lfs:
                entry["lfs"] = {"oid": "0" * 64, "size": size, "pointerSize": 134}
            found.append(entry)
        if folder and not found:
            self._answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            return
        start = int(query.get("cursor", "0"))
        headers = {}
        if start + PAGE < len(found):
            following = f"{self.there.url}{path}?recursive={query['recursive']}&expand=false&cursor={start + PAGE}"
            headers["Link"] = f'<{following}>; rel="next"'
        self._json(found[start : start + PAGE], headers)

    def _resolve(self, path: list[str]) -> None:
        name = "/".join(path[:3] if path[0] == "datasets" else path[:2])
        repo = self._repo(name)
        if repo is None:
            return
        if repo.gated:
            self._answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
            return
        if "/".join(path[4:]) in repo.lfs:
            elsewhere = self.there.url.replace("127.0.0.1", "localhost")
            self._answer(302, b"", {"Location": f"{elsewhere}/large/{name}/{path[3]}/{'/'.join(path[4:])}"})
            return
        kind = "" if path[0] == "datasets" else "models/"
        self._answer(
            307, b"", {"Location": f"/api/resolve-cache/{kind}{self.path.strip('/').replace('/resolve/', '/')}"}
        )

    def _file(self, path: list[str], *, elsewhere: bool = False) -> None:
        name, rest = ("/".join(path[:3]), path[3:]) if path[0] == "datasets" else ("/".join(path[1:3]), path[3:])
        # Its addresses are signed, and it knows no tokens.
        repo = self.there.repos[name] if elsewhere else self._repo(name)
        if repo is None:
            return
        content = repo.files(rest[0]).get("/".join(rest[1:]))
        if content is None:
            self._answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
        else:
            self._answer(200, content, {"X-Repo-Commit": rest[0], "ETag": '"0"'})

    def _json(self, value: object, headers: dict[str, str] | None = None) -> None:
        self._answer(200, json.dumps(value).encode(), headers or {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if getattr(self, "_cut", False):
            body, self.close_connection = body[: len(body) // 2], True
        try:
            for start in range(0, len(body), 65536):
                self.wfile.write(body[start : start + 65536])
                self.there.sent += len(body[start : start + 65536])
        except OSError:
            self.close_connection = True
