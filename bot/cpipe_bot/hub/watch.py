"""Having the Hub tell us: its webhook for a repository, made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cpipe_bot.hub.client import Hub, Webhook
from cpipe_bot.hub.settings import HubSettings
from cpipe_bot.jobs.work import RepoType

DOMAINS: tuple[Literal["repo", "discussion"], ...] = ("repo", "discussion")


@dataclass(frozen=True, slots=True)
class Watching:
    """A webhook that tells of a repository, and whether it was "made", "extended", or "there" already."""

    id: str
    how: str
    disabled: bool = False


def watch(settings: HubSettings, repo_type: RepoType, repo: str, url: str, secret: str) -> Watching:
    """Have the Hub tell `url` of a repository. There is one webhook for an address, whatever it watches.

    A webhook that is there keeps its secret, which the Hub does not always show.

    Raises:
        TryAgain: when the Hub does not answer.
        GiveUp: when it refuses.
    """
    hub = Hub(settings)
    item = (repo_type, hub.repository(repo_type, repo).name)
    owner = item[1].partition("/")[0]
    ours = sorted((w for w in hub.webhooks() if w.url == url), key=lambda w: w.id)
    for each in ours:
        if {item, ("user", owner), ("org", owner)} & set(each.watched):
            return Watching(each.id, "there", each.disabled)
    if ours:
        first = ours[0]
        hub.watch_also(first, item)
        return Watching(first.id, "extended", first.disabled)
    return Watching(hub.make_webhook(Webhook("", url, (item,), False), DOMAINS, secret), "made")
