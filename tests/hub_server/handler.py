"""One request from the socket to the log: faults, who calls, the endpoint."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import hub_server.endpoints_discussions
import hub_server.endpoints_jobs
import hub_server.endpoints_repository
import hub_server.endpoints_settings  # noqa: F401
from hub_server.routing import ENDPOINTS, Call, Endpoint, Refusal
from loopback import Answer, Cut, Handler, Request

if TYPE_CHECKING:
    from hub_server.server import Hub


class Api(Handler):
    """The Hub."""

    @property
    def hub(self) -> Hub:
        server: Hub = self.server.owner  # type: ignore[attr-defined]
        return server

    def _answer(self) -> None:
        try:
            answer = self._process()
        except Cut:
            self.cut()
            return
        except Exception:
            # A mistake of the server's own, or of a test's callback, must not pass for a fault.
            self.hub.violations.append(f"server: {self.command} {self.path}: {traceback.format_exc()}")
            answer = Answer(500, {"error": "Internal Server Error"})
        headers = {"X-Request-Id": f"Root=1-{len(self.hub.requests):08x}"} | dict(answer.headers)
        if isinstance(answer.body, Iterator):
            self._stream(answer.status, headers, answer.body)
            return
        data = b""
        if answer.body is not None:
            data = answer.body if isinstance(answer.body, bytes) else self._text(answer)
            kind = {bytes: "text/plain", str: "text/html"}.get(type(answer.body), "application/json")
            headers.setdefault("Content-Type", f"{kind}; charset=utf-8")
        self.send(answer.status, headers, b"" if self.command == "HEAD" else data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815

    def _stream(self, status: int, headers: Mapping[str, str], parts: Iterator[bytes]) -> None:
        """Send parts as they come; `Cut` among them ends the connection in the middle."""
        self.send_response(status)
        for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.flush()
            for part in parts:
                # Nothing is left in a buffer when whoever asked has gone.
                self.connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            self.connection.sendall(b"0\r\n\r\n")
        except Cut:
            self.cut()
        except OSError:
            self.close_connection = True

    def _text(self, answer: Answer) -> bytes:
        return answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()

    def _process(self) -> Answer:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = dict(self.headers.items())
        body = json.loads(raw) if raw else {}
        request = Request(self.command, unquote(parts.path), query, body, headers)
        status = 0
        try:
            faulty = self.hub.faults.met(request, after=False)
            if faulty is None:
                answer, login = self._handle(request, parts.path)
                request = replace(request, login=login)
                faulty = self.hub.faults.met(replace(request, status=answer.status), after=True)
            answer = faulty or answer
            status = answer.status
            return answer
        finally:
            self.hub.requests.append(replace(request, status=status))

    def _handle(self, request: Request, raw_path: str) -> tuple[Answer, str]:
        endpoint, path = self._find(request, raw_path)
        if endpoint is None:
            return Refusal(404, "Not Found").answer, ""
        login = ""
        with self.hub.lock:
            try:
                login = self._login(request.headers)
                url = f"{self.hub.url}{self.path}"
                call = Call(self.hub.state, url, path, request.query, request.body, login)
                return endpoint.handle(call), login
            except Refusal as refusal:
                return refusal.answer, login

    def _find(self, request: Request, raw_path: str) -> tuple[Endpoint | None, Mapping[str, str]]:
        """The endpoint and what the path names; whatever is not known is a violation."""
        what = f"{request.method} {raw_path}"
        for endpoint in ENDPOINTS:
            match = endpoint.path.fullmatch(raw_path)
            if match is None or endpoint.method not in (request.method, {"HEAD": "GET"}.get(request.method)):
                continue
            unknown = sorted({*request.query} - endpoint.query), sorted({*request.body} - endpoint.body)
            if any(unknown):
                self.hub.violations.append(f"client: {what}: unknown query and body fields {unknown}")
            return endpoint, {name: unquote(value or "") for name, value in match.groupdict().items()}
        self.hub.violations.append(f"client: {what}: no such endpoint")
        return None, {}

    def _login(self, headers: Mapping[str, str]) -> str:
        given = {name.lower(): value for name, value in headers.items()}.get("authorization")
        if given is None:
            return ""
        login = self.hub.state.tokens.get(given.removeprefix("Bearer "))
        if login is None:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return login
