"""One run of the publisher: which pull requests an event is about, and publishing them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cpipe_bot.github import auth, client
from cpipe_bot.github.act import act
from cpipe_bot.github.client import CannotPublish
from cpipe_bot.github.events import Commented, Event, GpuJobDone, JobDone, read
from cpipe_bot.github.publish import Publisher
from cpipe_bot.github.settings import Settings

log = logging.getLogger("cpipe_bot.github")


def publisher(settings: Settings, environment: Mapping[str, str] = os.environ, *, pause: float = 1.0) -> Publisher:
    """Return a publisher for the repository, as whom the environment says.

    Raises:
        CannotPublish: when it says nobody, or GitHub does not know them.
    """
    api_url = environment.get("GITHUB_API_URL") or "https://api.github.com"
    who = auth.from_environment(environment, api_url, settings.repository)
    github = client.connect(who, api_url, pause=pause)
    return Publisher(github.get_repo(settings.repository), client.identity(github), settings)


def event_of(environment: Mapping[str, str] = os.environ) -> Event | None:
    """Return the event that the runner's environment names.

    Raises:
        CannotPublish: when there is none, or it cannot be read.
    """
    path = environment.get("GITHUB_EVENT_PATH", "")
    try:
        content = Path(path).read_bytes() if path else b""
    except OSError as error:
        raise CannotPublish(f"the event's payload cannot be read: {error.strerror}") from None
    if not content:
        raise CannotPublish("no event: GITHUB_EVENT_PATH is not set; give --pull-request NUMBER")
    return read(environment.get("GITHUB_EVENT_NAME", ""), content)


def handle(found: Publisher, event: Event | None) -> Sequence[int]:
    """Do what an event asks for; return the numbers of the pull requests that were published.

    Raises:
        CannotPublish: when GitHub refuses.
    """
    numbers = _numbers(found, event)
    for number in numbers:
        outcome = found.publish(number)
        log.info("pull request %d: %s", number, outcome.conclusion if outcome else "closed")
    return numbers


def _numbers(found: Publisher, event: Event | None) -> Sequence[int]:
    match event:
        case JobDone(head, home, branch):
            numbers = found.pulls_of(head, home, branch)
            if not numbers:
                log.info("no open pull request has %s of %s as its head any more: nothing is published", head, home)
            return numbers
        case GpuJobDone(run):
            return found.pulls_of_gpu(run)
        case Commented(number, comment):
            return [number] if act(found, number, comment) else []
    return []
