"""What an endpoint is: a function from a call to an answer, registered by GitHub's id of the operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from github_server.model import App, PullRequest, Repository, State, Token
from github_server.shapes import Shapes
from loopback import Answer


class Refusal(Exception):
    """An error answer as GitHub words it."""

    def __init__(self, status: int, message: str, errors: Sequence[Any] = (), **headers: str) -> None:
        super().__init__(message)
        body: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
        if status == 422:
            body["errors"] = list(errors)
            if not errors:
                del body["errors"]
        body["status"] = str(status)
        self.answer = Answer(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def invalid(resource: str, field_name: str, message: str = "", code: str = "custom") -> Refusal:
    """A 422 as GitHub's validations word it."""
    error = {"resource": resource, "code": code, "field": field_name}
    if message:
        error["message"] = message
    return Refusal(422, "Validation Failed", [error])


@dataclass(slots=True)
class Call:
    """A request that has passed the contract and the door: typed parameters, who calls, and the state."""

    state: State
    shapes: Shapes
    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]
    token: Token

    @property
    def repository(self) -> Repository:
        """The repository of the path; names are not case sensitive. Raises Refusal for an unknown one."""
        wanted = f"{self.path['owner']}/{self.path['repo']}".lower()
        for name, repository in self.state.repositories.items():
            if name.lower() == wanted:
                return repository
        raise Refusal(404, "Not Found")

    def pull(self, name: str = "pull_number") -> PullRequest:
        """The PR of the path; raises Refusal for an unknown one."""
        found: PullRequest = find(self.repository.pulls, self.path[name])
        return found

    def app(self) -> App:
        """The app that calls; raises Refusal for people."""
        if self.token.app is None:
            raise Refusal(403, "You must authenticate via a GitHub App.")
        return self.token.app

    def page(self, items: Iterable[Any], limit: int | None = None) -> tuple[list[Any], dict[str, str]]:
        """The asked page and its Link header; ``limit``: more than so many items GitHub never lists."""
        known = list(items)[:limit]
        size = min(int(self.query.get("per_page", 30)) or 30, 100)
        number = max(int(self.query.get("page", 1)), 1)
        last = max(-(-len(known) // size), 1)
        steps = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number == 1:
            del steps["prev"], steps["first"]
        if number >= last:
            del steps["next"], steps["last"]
        links = [f'<{self.url}?{urlencode({**self.query, "page": page})}>; rel="{rel}"' for rel, page in steps.items()]
        return known[(number - 1) * size : number * size], {"Link": ", ".join(links)} if links else {}

    def listing(self, items: Iterable[Any], shape: Callable[[Any], Any], limit: int | None = None) -> Answer:
        part, headers = self.page(items, limit)
        return Answer(200, [shape(item) for item in part], headers)


def find(records: Mapping[int, Any], key: str) -> Any:
    """The record of an id as the URL has it; raises Refusal for none."""
    if int(key) not in records:
        raise Refusal(404, "Not Found")
    return records[int(key)]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``needs`` is worded as in GitHub's X-Accepted-GitHub-Permissions header: `;` between alternatives."""

    handle: Callable[[Call], Answer]
    needs: str


ENDPOINTS: dict[str, Endpoint] = {}


def endpoint(
    operation: str, needs: str = "metadata=read"
) -> Callable[[Callable[[Call], Answer]], Callable[[Call], Answer]]:
    """Register a function as what answers an operation, for those with the permissions."""

    def register(handle: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        ENDPOINTS[operation] = Endpoint(handle, needs)
        return handle

    return register
