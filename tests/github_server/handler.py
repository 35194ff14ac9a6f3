"""One request from the socket to the log: the contract, faults, who calls, the endpoint, the contract again."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import github_server.endpoints_actions
import github_server.endpoints_checks
import github_server.endpoints_issues
import github_server.endpoints_pulls
import github_server.endpoints_repository
import github_server.endpoints_reviews  # noqa: F401
from github_server.access import authenticate, authorize, credentials
from github_server.contract import Operation
from github_server.model import Token
from github_server.routing import ENDPOINTS, Call, Refusal
from loopback import HANG, RESET, Answer, Cut, Handler, Request

if TYPE_CHECKING:
    from github_server.server import GitHubServer


# GitHub's own, and an Enterprise server's.
_GRAPHQL = ("/graphql", "/api/graphql")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request and what the contract says of it."""

    request: Request
    raw_path: str
    operation: Operation | None
    path: Mapping[str, str]


class _Handler(Handler):
    @property
    def github(self) -> GitHubServer:
        server: GitHubServer = self.server.owner  # type: ignore[attr-defined]
        return server


class Api(_Handler):
    """The API."""

    def _answer(self) -> None:
        try:
            asked = self._asked()
            answer = self._process(asked)
        except Cut:
            self.cut()
            return
        except Exception:
            # A mistake of the server's own, or of a test's callback, must not pass for a fault.
            self.github.violate("server", f"{self.command} {self.path}", [traceback.format_exc()])
            answer = Answer(500, {"message": "Server Error"})
        headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-ratelimit-used": "1"}
        headers |= {"x-ratelimit-reset": str(int(time.time()) + 3600), "x-ratelimit-resource": "core"}
        headers |= {"X-GitHub-Request-Id": f"{len(self.github.requests):04X}"} | dict(answer.headers)
        data = b""
        if answer.body is not None:
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            data = text.encode()
            kind = "text/html" if isinstance(answer.body, str) else "application/json"
            headers.setdefault("Content-Type", f"{kind}; charset=utf-8")
        self.send(answer.status, headers, data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815

    def _asked(self) -> _Asked:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw.decode(errors="replace")
        path = parts.path.removeprefix(self.github.prefix)
        found = self.github.contract.find(self.command, path)
        operation, parameters = found or (None, {})
        request = Request(
            method=self.command,
            path=unquote(path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            body=body,
            headers=dict(self.headers.items()),
            operation=operation.id if operation else "",
        )
        return _Asked(request, parts.path, operation, parameters)

    def _process(self, asked: _Asked) -> Answer:
        """Faults and callbacks around the handling; the log is written before callbacks of after, faults included."""
        status = 0
        login = ""
        try:
            answer = self.github.faults.met(asked.request, after=False)
            if answer is None:
                answer, login = self._handle(asked)
                done = replace(asked.request, login=login, status=answer.status)
                faulty = self.github.faults.met(done, after=True)
                answer = faulty or answer
            status = answer.status
            return answer
        finally:
            self.github.log(replace(asked.request, login=login, status=status))

    def _handle(self, asked: _Asked) -> tuple[Answer, str]:
        request, what = asked.request, f"{asked.request.method} {asked.request.path}"
        if request.method == "POST" and asked.raw_path in _GRAPHQL:
            return self._viewer(request)
        if asked.operation is None or not asked.raw_path.startswith(self.github.prefix):
            self.github.violate("client", what, ["no such operation in the description"])
            return Refusal(404, "Not Found").answer, ""
        problems = self.github.contract.request_problems(asked.operation, asked.path, request.query, request.body)
        if problems:
            self.github.violate("client", what, problems)
            return Refusal(422, "Invalid request.\n\n" + "\n".join(problems)).answer, ""
        token = Token("", {})
        with self.github.lock:
            try:
                endpoint = ENDPOINTS[asked.operation.id]
                token = authenticate(self.github.state, credentials(request.headers), asked.operation.id)
                call = self._call(asked, token)
                if "owner" in asked.path:
                    _ = call.repository
                if asked.operation.id not in ("apps/get-repo-installation",):
                    authorize(token, endpoint.needs)
                answer = endpoint.handle(call)
            except Refusal as refusal:
                answer = refusal.answer
        kind = "application/json"
        body = json.loads(json.dumps(answer.body))
        found = self.github.contract.answer_problems(asked.operation, answer.status, kind, body)
        self.github.violate("server", f"{what} {answer.status}", found)
        return answer, token.login

    def _viewer(self, request: Request) -> tuple[Answer, str]:
        """The one query of GraphQL's that is answered, which the description of the REST API does not cover."""
        if request.body != {"query": "query { viewer { login } }", "variables": {}}:
            self.github.violate("client", "POST /graphql", [f"an unknown query {request.body}"])
        try:
            login = authenticate(self.github.state, credentials(request.headers), "graphql").login
        except Refusal as refusal:
            return refusal.answer, ""
        return Answer(200, {"data": {"viewer": {"login": login}}}), login

    def _call(self, asked: _Asked, token: Token) -> Call:
        body: Any = asked.request.body
        if isinstance(body, list) and asked.request.operation == "issues/add-labels":
            body = {"labels": body}
        url = f"http://{self.headers['Host']}{asked.raw_path}"
        return Call(self.github.state, self.github.shapes, url, asked.path, asked.request.query, body or {}, token)


class Blobs(_Handler):
    """Where artifacts lie: another host, whose URLs are signed, and which refuses GitHub's tokens."""

    def do_GET(self) -> None:  # noqa: N802
        path = urlsplit(self.path).path
        request = Request("GET", path, {}, None, dict(self.headers.items()), operation="blob")
        artifact_id = path.removeprefix("/artifacts/").removesuffix(".zip")
        with self.github.lock:
            artifacts = {str(found.id): found for found in self.github.repository.artifacts.values()}
        if "Authorization" in self.headers:
            self.github.violate("client", f"GET {path}", ["the storage of artifacts was sent a token"])
            status, data = 401, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>"
        elif artifact_id not in artifacts or "sig=" not in self.path:
            status, data = 404, b"<Error><Code>BlobNotFound</Code></Error>"
        else:
            status, data = 200, artifacts[artifact_id].data
        for act in self.github.faults.due("GET", path, after=False):
            if act in (HANG, RESET):
                if act == HANG:
                    self.github.faults.released.wait(60)
                self.github.log(request)
                self.cut()
                return
            if isinstance(act, Answer):
                status, data = act.status, act.body.encode() if isinstance(act.body, str) else b""
            else:
                act(request)
        self.github.log(replace(request, status=status))
        self.send(status, {"Content-Type": "application/zip" if status == 200 else "application/xml"}, data)
