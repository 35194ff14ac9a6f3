"""The webhook of the Hub: `POST /webhooks/hub`, and how the server is (`/healthz`, `/readyz`, `/metrics`).

A delivery is answered with 2xx when its work is on disk and will be done, or when there is nothing to do. Until the
secret is known to be right nothing of the body is looked at, or even read.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from cpipe_bot.hub.gather import Gathering
from cpipe_bot.hub.metrics import Metrics
from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.work import Work
from cpipe_check.text import clean_line

log = logging.getLogger("cpipe_bot.webhook")

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
    new: int = 0
    repo: str = ""


class _Refused(Exception):
    def __init__(self, answer: _Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


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
    checked = checked_secret(secret)
    counted = metrics or Metrics()
    counted.watch(engine)
    gathering = Gathering(engine)
    server = FastAPI(title="cpipe-bot", docs_url=None, redoc_url=None, openapi_url=None)

    @server.post("/webhooks/hub")
    async def hub(request: Request) -> Response:
        began = time.monotonic()
        try:
            answer = await _answer(request, gathering, checked, works, seconds_to_read)
        except _Refused as refused:
            answer = refused.answer
        except Exception:
            log.exception("a delivery failed")
            answer = _Answer(500, "failed", "it could not be taken")
        counted.delivered(answer.outcome)
        fields = {"status": answer.status, "new": answer.new, "ms": round(1000 * (time.monotonic() - began), 1)}
        log.info(
            "delivery %s", answer.outcome, extra={"fields": fields | ({"repo": answer.repo} if answer.repo else {})}
        )
        # A body that was not read would be taken for the next request.
        headers = {"Connection": "close"} if answer.status in {401, 408, 413} else {}
        if answer.status == 503:
            headers["Retry-After"] = "30"
        return Response(answer.text + "\n", answer.status, headers, "text/plain")

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


def checked_secret(secret: str) -> bytes:
    """Return a secret as it is compared.

    Raises:
        WeakSecret: when it is shorter than 16 characters.
    """
    if len(secret.strip()) < SHORTEST_SECRET:
        raise WeakSecret(f"a webhook needs a secret of at least {SHORTEST_SECRET} characters")
    return secret.encode()


async def _answer(request: Request, gathering: Gathering, secret: bytes, works: Works, seconds: float) -> _Answer:
    given = request.headers.get("x-webhook-secret", "").encode("latin-1", "replace")
    if not hmac.compare_digest(given, secret):
        raise _Refused(_Answer(401, "unauthorized", "the secret is wrong"))
    body = await _body(request, seconds)
    try:
        found = works(body)
    except (ValueError, RecursionError) as error:
        log.info("not understood: %s", clean_line(str(error), 300))
        raise _Refused(_Answer(400, "malformed", "this is no delivery of the Hub's")) from None
    if not found:
        return _Answer(200, "ignored", "nothing to do")
    try:
        stored = await gathering.store(found)
    except Exception as error:
        log.error("a delivery could not be stored: %s: %s", type(error).__name__, clean_line(str(error), 300))
        raise _Refused(_Answer(503, "not stored", "it could not be stored; send it again")) from None
    if not stored.accepted:
        return _Answer(200, "duplicate", "known already", repo=found[0].repo)
    return _Answer(202, "accepted", "accepted", len(stored.accepted), found[0].repo)


async def _body(request: Request, seconds: float) -> bytes:
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > MOST_BYTES:
        raise _Refused(_Answer(413, "too large", f"more than {MOST_BYTES} bytes"))
    try:
        return await asyncio.wait_for(_read(request), seconds)
    except (asyncio.TimeoutError, TimeoutError):
        raise _Refused(_Answer(408, "slow", "the body did not come in time")) from None
    except ClientDisconnect:
        raise _Refused(_Answer(400, "broken off", "the body broke off")) from None


async def _read(request: Request) -> bytes:
    pieces = bytearray()
    async for piece in request.stream():
        pieces += piece
        if len(pieces) > MOST_BYTES:
            raise _Refused(_Answer(413, "too large", f"more than {MOST_BYTES} bytes"))
    return bytes(pieces)


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
