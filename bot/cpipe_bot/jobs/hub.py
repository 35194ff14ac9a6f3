"""What the jobs need of the Hub's side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cpipe_bot.hub import events
from cpipe_bot.hub.client import Hub as Client
from cpipe_bot.hub.handle import handler
from cpipe_bot.hub.settings import from_environment as settings_from_environment
from cpipe_bot.jobs.work import Handler, Work
from cpipe_check import __version__


@dataclass(frozen=True, slots=True)
class Hub:
    """The Hub's side.

    `works` returns the work that a delivery's body asks for, `watched` the repositories whose refs are looked at every
    `seconds` for deliveries that never came, `newest` their refs with commits, `rules` the version of the checker.
    With `dry_run` nothing is written to the Hub; with `has_gpu` there is a GPU for those who ask for it.
    """

    handler: Handler
    works: Callable[[bytes], tuple[Work, ...]]
    rules: str
    watched: Callable[[], Iterable[str]] = tuple
    newest: Callable[[str], Iterable[tuple[str, str]]] = lambda _: ()
    dry_run: bool = False
    has_gpu: bool = False
    seconds: float = 900.0


def from_environment(smoke_on: str | None = None) -> Hub:
    """Return the Hub that the environment's variables name; `smoke_on` goes over CPIPE_SMOKE.

    Raises:
        TryAgain: when it does not say who the bot is.
        GiveUp: when it does not know the token, or a variable cannot be used.
    """
    settings = settings_from_environment({**os.environ, **({"CPIPE_SMOKE": smoke_on} if smoke_on else {})})
    client = Client(settings)
    login = client.login
    has_gpu = settings.gpu is not None

    def newest(repo: str) -> Iterable[tuple[str, str]]:
        return client.refs(client.repository("model", repo)).items()

    return Hub(
        handler(settings),
        lambda body: events.works(body, __version__, login, has_gpu=has_gpu),
        __version__,
        lambda: settings.watched,
        newest,
        settings.dry_run,
        has_gpu,
    )
