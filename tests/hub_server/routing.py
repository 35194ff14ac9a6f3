"""What an endpoint is: a function from a call to an answer, by method and path; and errors as the Hub words them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub_server.model import Commit, Discussion, Repo, State
from loopback import Answer


class Refusal(Exception):
    """An error answer. Its name travels in ``X-Error-Code``, its message in ``X-Error-Message`` and in the body."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str) -> None:
        super().__init__(message)
        named = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self.answer = Answer(status, {"error": message}, named | {k.replace("_", "-"): v for k, v in headers.items()})


def fault(status: int) -> Answer:
    """The answer of a status that a test asked for."""
    if status >= 500:
        return Answer(status, f"<html><head><title>{status}</title></head><body>Bad gateway</body></html>")
    return Refusal(status, _MESSAGES.get(status, "Error")).answer


_MESSAGES = {
    401: "Invalid credentials in Authorization header",
    403: "Forbidden",
    404: "Not Found",
    429: "We had to rate limit you",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has passed the door: what its path names, its query and body, who calls, and the state."""

    state: State
    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    login: str

    @property
    def repo_type(self) -> str:
        return "dataset" if self.path.get("kind", "") in ("datasets", "datasets/") else "model"

    @property
    def repo(self) -> Repo:
        """The repository of the path. Raises Refusal for one that is unknown, private, disabled or has moved."""
        key = (self.repo_type, self.path["repo"])
        if key in self.state.moved:
            new = self.state.moved[key]
            raise Refusal(307, f"Moved to {new}", Location=self.url.replace(self.path["repo"], new, 1))
        found = self.state.repos.get(key)
        if found is None or not self.state.may_read(found, self.login):
            if not self.login:
                raise Refusal(401, "Invalid username or password.")
            raise Refusal(404, "Repository not found", "RepoNotFound")
        if found.disabled:
            raise Refusal(403, "Access to this resource is disabled.")
        return found

    def commit(self, repo: Repo) -> Commit:
        found = repo.resolve(self.path.get("revision", "main"))
        if found is None:
            raise Refusal(404, f"Invalid rev id: {self.path['revision']}", "RevisionNotFound")
        return found

    def discussion(self, repo: Repo) -> Discussion:
        found = repo.discussions.get(int(self.path["num"]))
        if found is None:
            raise Refusal(404, "Discussion not found")
        return found

    def signed_in(self) -> str:
        """Who calls. Raises Refusal for nobody."""
        if not self.login:
            raise Refusal(401, "Invalid username or password.")
        return self.login


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``query`` and ``body`` name all that may be sent."""

    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    body: frozenset[str]
    handle: Callable[[Call], Answer]


ENDPOINTS: list[Endpoint] = []
_PARTS = {
    "{repo}": r"(?P<repo>[\w.-]+/[\w.-]+)",
    "{kind}": r"(?P<kind>models|datasets)",
    "{revision}": r"(?P<revision>[^/]+)",
    "{num}": r"(?P<num>[1-9]\d*)",
    "{id}": r"(?P<id>[0-9a-f]+)",
    "{namespace}": r"(?P<namespace>[\w.-]+)",
    "{path}": r"(?P<path>.+)",
    "{kind/}": r"(?P<kind>datasets/)?",
}


def endpoint(
    method: str, path: str, query: str = "", body: str = ""
) -> Callable[[Callable[[Call], Answer]], Callable[[Call], Answer]]:
    """Register a function as what answers a method and a path."""

    def register(handle: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        pattern = path
        for name, part in _PARTS.items():
            pattern = pattern.replace(name, part)
        found = Endpoint(method, re.compile(pattern), frozenset(query.split()), frozenset(body.split()), handle)
        ENDPOINTS.append(found)
        return handle

    return register
