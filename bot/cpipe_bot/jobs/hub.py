"""What the jobs need of the Hub's side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module

from cpipe_bot.jobs.recorder import Recorder
from cpipe_bot.jobs.work import Handler, Work
from cpipe_check import __version__


@dataclass(frozen=True, slots=True)
class Hub:
    """The Hub's side.

    `works` returns the work that a delivery's body asks for, `watched` the repositories whose refs are looked at every
    `seconds` for deliveries that never came, `newest` their refs with commits, `rules` the version of the checker.
    """

    handler: Handler
    works: Callable[[bytes], tuple[Work, ...]]
    rules: str
    watched: Callable[[], Iterable[str]] = tuple
    newest: Callable[[str], Iterable[tuple[str, str]]] = lambda _: ()
    recorders: Sequence[Recorder] = ()
    seconds: float = 900.0


def from_environment() -> Hub:
    """Return the Hub that the environment's variables name.

    Raises:
        TryAgain: when it does not say who the bot is.
    """
    settings = import_module("cpipe_bot.hub.settings").from_environment()
    client = import_module("cpipe_bot.hub.client").Hub(settings)
    events = import_module("cpipe_bot.hub.events")
    login = client.login

    def newest(repo: str) -> Iterable[tuple[str, str]]:
        refs: dict[str, str] = client.refs(client.repository("model", repo))
        return refs.items()

    return Hub(
        import_module("cpipe_bot.hub.handle").handler(settings),
        lambda body: events.works(body, __version__, login),
        __version__,
        lambda: settings.watched,
        newest,
    )
