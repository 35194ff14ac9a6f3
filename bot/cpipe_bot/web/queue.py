"""What waits and what was given up, and its replay for whoever has the token."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from cpipe_bot.jobs.work import Waiting, Work
from cpipe_bot.run import Filters, run_id
from cpipe_bot.store import Runs
from cpipe_bot.web.render import page
from cpipe_check.text import clean_line

_LARGEST_FORM = 64 << 10
_SHOWN = 100


class DeadLetter(Protocol):
    """A piece of work that was given up, and why. `id` is what `replay` takes."""

    @property
    def id(self) -> int: ...
    @property
    def work(self) -> Work: ...
    @property
    def reason(self) -> str: ...


class Jobs(Protocol):
    """The queue, as the dashboard needs it."""

    def counts(self) -> Mapping[str, int]:
        """Return how many jobs are in each state, `queued` and `running` among them."""

    def waiting(self) -> Sequence[Waiting]:
        """Return how many jobs wait in each queue, and whether any process listens to it."""

    def dead(self) -> Sequence[DeadLetter]:
        """Return what was given up."""

    def replay(self, id: int) -> bool:
        """Put a dead letter back into the queue, which the store is told of; False when there is none of this id."""


async def _form(request: Request) -> Mapping[str, Sequence[str]]:
    """The fields of a posted form, none of which is a file."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form is expected")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise HTTPException(413, "the form is too large")
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=_SHOWN + 10)
    except ValueError:
        raise HTTPException(413, "the form has too many fields") from None


class QueuePages:
    """The page of the queue, and the one action that there is."""

    def __init__(self, runs: Runs, jobs: Jobs, token: str | None) -> None:
        self._runs, self._jobs = runs, jobs
        self._token = token

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        router.add_api_route("/queue", self.show, methods=["GET", "HEAD"])
        router.add_api_route("/queue/replay", self.replay, methods=["POST"])

    def show(self, replayed: str = "") -> Response:
        """Return the page. `replayed` is how many were replayed, after that was done."""
        waiting = self._jobs.waiting()
        letters = [(letter, run_id(letter.work), clean_line(letter.reason)) for letter in self._jobs.dead()]
        return page(
            "queue.html",
            # The token is typed here.
            framed_by="'none'",
            counts=self._jobs.counts(),
            for_gpu=sum(each.jobs for each in waiting if each.queue == "gpu"),
            troubles=[each.trouble for each in waiting if each.trouble],
            running=self._runs.recent(Filters(state="running"), limit=_SHOWN),
            queued=self._runs.recent(Filters(state="queued"), limit=_SHOWN),
            letters=letters[:_SHOWN],
            dead=len(letters),
            replayed=int(replayed) if replayed.isdecimal() and len(replayed) < 4 else None,
            may_act=self._token is not None,
        )

    def replay(self, request: Request, form: Annotated[Mapping[str, Sequence[str]], Depends(_form)]) -> Response:
        """Replay the dead letters that a form names, and go back to the page.

        The token comes with the form itself, and nothing is remembered of it, so that no other site can have it sent.
        """
        self._allow(form.get("token", [""])[0] or request.headers.get("authorization", "").removeprefix("Bearer "))
        asked = {*form.get("id", ())}
        done = sum(self._jobs.replay(letter.id) for letter in self._jobs.dead() if str(letter.id) in asked)
        return RedirectResponse(f"/queue?replayed={done}", 303)

    def _allow(self, offered: str) -> None:
        if self._token is None:
            raise HTTPException(403, "this server has no token, so nothing can be done here")
        if not hmac.compare_digest(offered.encode(), self._token.encode()):
            raise HTTPException(403, "the token is not the right one")
