"""The webhook of the Hub: `POST /webhooks/hub`, and how the server is (`/healthz`, `/readyz`, `/metrics`).

A delivery is answered with 2xx when its work is on disk and will be done, or when there is nothing to do. Until the
secret is known to be right nothing of the body is looked at, or even read.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import anyio
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cpipe_bot.hub.gather import Gathering
from cpipe_bot.hub.metrics import Metrics
from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.work import Work
from cpipe_check.text import clean_line

log = logging.getLogger("cpipe_bot.webhook")

PATH = "/webhooks/hub"
SHORTEST_SECRET = 16
MOST_BYTES = 1_000_000
SECONDS_TO_READ = 10.0

# Returns the work that a delivery's body asks for; raises ValueError for what is no delivery.
Works = Callable[[bytes], tuple[Work, ...]]


class WeakSecret(ValueError):
    """A webhook without a secret worth the name would do anybody's bidding."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    outcome: str
    text: str
    # What is stored, `Gathering` has logged.
    stored: bool = False


class _Refused(Exception):
    def __init__(self, answer: _Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


def _too_large() -> _Refused:
    return _Refused(_Answer(413, "too large", f"more than {MOST_BYTES} bytes"))


def app(
    engine: Engine,
    secret: str,
    works: Works,
    *,
    metrics: Metrics | None = None,
    metrics_token: str = "",
    seconds_to_read: float = SECONDS_TO_READ,
) -> FastAPI:
    """Return the server's application; its engine is started and closed by whoever has it.

    Raises:
        WeakSecret: when the secret is shorter than 16 characters.
    """
    counted = metrics or Metrics()
    counted.watch(engine)
    server = FastAPI(title="cpipe-bot", docs_url=None, redoc_url=None, openapi_url=None)
    # Before FastAPI's own layers, which cost as much as accepting a delivery.
    server.add_middleware(
        _Deliveries,
        gathering=Gathering(engine),
        secret=checked_secret(secret),
        works=works,
        metrics=counted,
        seconds_to_read=seconds_to_read,
    )

    @server.get("/healthz")
    async def healthz() -> Response:
        return Response("ok\n", media_type="text/plain")

    @server.get("/readyz")
    def readyz() -> Response:
        why = engine.unready()
        # It accepts all the same; the other lines are for whoever looks.
        lines = [why] if why else ["ok", *filter(None, (queue.trouble for queue in engine.waiting()))]
        return Response("".join(f"{line}\n" for line in lines), 503 if why else 200, media_type="text/plain")

    @server.get("/metrics")
    def prometheus(request: Request) -> Response:
        if not _may_see_metrics(request, metrics_token):
            return Response("not found\n", 404, media_type="text/plain")
        return Response(counted.text(), media_type="text/plain; version=0.0.4")

    return server


@dataclass(frozen=True, slots=True)
class _Deliveries:
    """Answers deliveries, and leaves all other requests to `app`."""

    app: ASGIApp
    gathering: Gathering
    secret: bytes
    works: Works
    metrics: Metrics
    seconds_to_read: float

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.app(scope, receive, send)
        elif scope["method"] != "POST":
            await Response("a delivery is a POST\n", 405, {"Allow": "POST"}, "text/plain")(scope, receive, send)
        else:
            await (await self._answered(scope, receive))(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive) -> Response:
        try:
            answer = await self._answer(dict(scope["headers"]), receive)
        except _Refused as refused:
            answer = refused.answer
        except Exception:
            log.exception("a delivery failed")
            answer = _Answer(500, "failed", "it could not be taken")
        self.metrics.delivered(answer.outcome)
        if not answer.stored:
            log.info("delivery %s", answer.outcome, extra={"fields": {"status": answer.status}})
        # A body that was not read would be taken for the next request.
        headers = {"Connection": "close"} if answer.status in {401, 408, 413} else {}
        if answer.status == 503:
            headers["Retry-After"] = "30"
        return Response(answer.text + "\n", answer.status, headers, "text/plain")

    async def _answer(self, headers: Mapping[bytes, bytes], receive: Receive) -> _Answer:
        if not hmac.compare_digest(headers.get(b"x-webhook-secret", b""), self.secret):
            raise _Refused(_Answer(401, "unauthorized", "the secret is wrong"))
        told = headers.get(b"content-length", b"0")
        if not told.isdigit() or int(told) > MOST_BYTES:
            raise _too_large()
        try:
            with anyio.fail_after(self.seconds_to_read):
                body = await _body(receive)
        except TimeoutError:
            raise _Refused(_Answer(408, "slow", "the body did not come in time")) from None
        try:
            found = self.works(body)
        except (ValueError, RecursionError) as error:
            log.info("not understood: %s", clean_line(str(error), 300))
            raise _Refused(_Answer(400, "malformed", "this is no delivery of the Hub's")) from None
        return await self._stored(found) if found else _Answer(200, "ignored", "nothing to do")

    async def _stored(self, works: Sequence[Work]) -> _Answer:
        try:
            stored = await self.gathering.store(works)
        except Exception as error:
            log.error("a delivery could not be stored: %s: %s", type(error).__name__, clean_line(str(error), 300))
            raise _Refused(_Answer(503, "not stored", "it could not be stored; send it again")) from None
        if not stored.accepted:
            return _Answer(200, "duplicate", "known already", stored=True)
        return _Answer(202, "accepted", "accepted", stored=True)


async def _body(receive: Receive) -> bytes:
    pieces = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refused(_Answer(400, "broken off", "the body broke off"))
        pieces += message.get("body", b"")
        if len(pieces) > MOST_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(pieces)


def checked_secret(secret: str) -> bytes:
    """Return a secret as it is compared.

    Raises:
        WeakSecret: when it is shorter than 16 characters.
    """
    if len(secret.strip()) < SHORTEST_SECRET:
        raise WeakSecret(f"a webhook needs a secret of at least {SHORTEST_SECRET} characters")
    return secret.encode()


def _may_see_metrics(request: Request, token: str) -> bool:
    """With a token whoever has it; without one only this machine, and nothing that a proxy passed on."""
    if token:
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    proxied = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    host = request.client.host if request.client else ""
    try:
        return not proxied and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
