"""The client of the Hub's API: one fixed host, bounded waits, and what an answer or its lack means for the work.

Nothing is retried here but what huggingface_hub retries itself. A write may have taken effect though its answer is
lost, so whoever writes looks first, and the work is done again after `TryAgain`.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

from huggingface_hub import DiscussionComment, DiscussionStatusChange, HfApi, set_client_factory
from huggingface_hub.errors import HfHubHTTPError, RevisionNotFoundError
from huggingface_hub.utils._http import default_client_factory, parse_ratelimit_headers

from cpipe_bot.hub.names import MAIN, is_repo, is_sha, revision_of
from cpipe_bot.hub.optout import opted_out
from cpipe_bot.hub.settings import HubSettings
from cpipe_bot.hub.threads import Comment, Thread
from cpipe_bot.jobs.work import GiveUp, RepoType, TryAgain
from cpipe_check.text import clean_line

log = logging.getLogger("cpipe_bot.hub")

SECONDS = 30.0
_LONGEST_WAIT = 86_400.0
# What a 429 without a word on how long asks for.
_A_WHILE = 60.0
# The errors of whichever httpx huggingface_hub is built on.
NETWORK: type[Exception] = next(
    cls for cls in HfHubHTTPError.__mro__ if issubclass(cls, Exception) and cls.__name__ == "HTTPError"
)


def _bounded() -> Any:
    """A client whose requests end: huggingface_hub's own waits for ever."""
    client = default_client_factory()
    client.timeout = SECONDS
    return client


# The library's only way, for the whole process.
set_client_factory(_bounded)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by its name of today, whatever it was asked for by."""

    repo_type: RepoType
    name: str
    private: bool
    opted_out: bool


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook: what it watches is pairs of a type and a name."""

    id: str
    url: str
    watched: tuple[tuple[str, str], ...]
    disabled: bool


class Hub:
    """The Hub, as the bot. Every method raises `TryAgain` when it does not answer and `GiveUp` when it refuses."""

    def __init__(self, settings: HubSettings) -> None:
        self._api = api_of(settings.endpoint, settings.token)

    @property
    def login(self) -> str:
        """Who the bot is, "" without a token; asked once a process, since the Hub is strict with this."""
        if not self._api.token:
            return ""
        with explained():
            return str(self._api.whoami(cache=True)["name"])

    def repository(self, repo_type: RepoType, name: str) -> Repository:
        """Return what there is to know of a repository."""
        with explained():
            info = self._api.repo_info(name, repo_type=repo_type)
            if not is_repo(info.id):
                raise GiveUp("the Hub calls the repository by a name that cannot be one")
            return Repository(repo_type, info.id, bool(info.private), opted_out(info))

    def commit(self, repository: Repository, ref: str) -> str | None:
        """Return the commit that a ref is at, None when there is no such ref."""
        with explained():
            try:
                info = self._api.repo_info(
                    repository.name, repo_type=repository.repo_type, revision=revision_of(ref), timeout=SECONDS
                )
            except RevisionNotFoundError:
                return None
            if not is_sha(str(info.sha)):
                raise TryAgain("the Hub gives no commit for a ref")
            return str(info.sha)

    def refs(self, repository: Repository) -> dict[str, str]:
        """Return the commits of main and of the open pull requests, by ref."""
        with explained():
            kind = repository.repo_type
            found = self._api.list_repo_refs(repository.name, repo_type=kind, include_pull_requests=True)
            pulls = self._api.get_repo_discussions(
                repository.name, repo_type=kind, discussion_type="pull_request", discussion_status="open"
            )
            wanted = {MAIN, *(f"refs/pr/{each.num}" for each in pulls)}
            refs = {each.ref: each.target_commit for each in (*found.branches, *(found.pull_requests or []))}
            return {ref: sha for ref, sha in refs.items() if ref in wanted and is_sha(sha)}

    def numbers_by(self, repository: Repository, author: str) -> list[int]:
        """Return the numbers of the discussions (not pull requests) that somebody opened, the oldest first."""
        with explained():
            found = self._api.get_repo_discussions(
                repository.name, repo_type=repository.repo_type, author=author, discussion_type="discussion"
            )
            return sorted(each.num for each in found if each.author == author and not each.is_pull_request)

    def thread(self, repository: Repository, number: int) -> Thread:
        """Return a discussion or a pull request with its comments."""
        with explained():
            found = self._api.get_discussion_details(repository.name, number, repo_type=repository.repo_type)
            changes = [event for event in found.events if isinstance(event, DiscussionStatusChange)]
            return Thread(
                number,
                found.title,
                found.author,
                found.is_pull_request,
                found.status in ("open", "draft"),
                tuple(Comment.of(e, found.url) for e in found.events if isinstance(e, DiscussionComment)),
                changes[-1].author if changes else "",
            )

    def open_discussion(self, repository: Repository, title: str, text: str) -> int:
        """Open a discussion, and return its number."""
        with explained():
            made = self._api.create_discussion(repository.name, title, description=text, repo_type=repository.repo_type)
            return int(made.num)

    def comment(self, repository: Repository, number: int, text: str) -> None:
        """Write a comment."""
        with explained():
            self._api.comment_discussion(repository.name, number, text, repo_type=repository.repo_type)

    def edit(self, repository: Repository, number: int, comment: str, text: str) -> None:
        """Give one of the bot's comments another text."""
        with explained():
            self._api.edit_discussion_comment(repository.name, number, comment, text, repo_type=repository.repo_type)

    def hide(self, repository: Repository, number: int, comment: str) -> None:
        """Hide one of the bot's comments for good; the Hub has no other way to take one back."""
        with explained(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._api.hide_discussion_comment(repository.name, number, comment, repo_type=repository.repo_type)

    def set_status(self, repository: Repository, number: int, status: Literal["open", "closed"]) -> None:
        """Close or reopen a discussion."""
        with explained():
            self._api.change_discussion_status(repository.name, number, status, repo_type=repository.repo_type)

    def webhooks(self) -> list[Webhook]:
        """Return the bot's webhooks that call an address."""
        with explained():
            return [
                Webhook(each.id, each.url, tuple((item.type, item.name) for item in each.watched), each.disabled)
                for each in self._api.list_webhooks()
                if each.url
            ]

    def make_webhook(self, webhook: Webhook, domains: Sequence[Literal["repo", "discussion"]], secret: str) -> str:
        """Make a webhook, and return its id."""
        with explained():
            watched: list[Any] = [{"type": kind, "name": name} for kind, name in webhook.watched]
            made = self._api.create_webhook(url=webhook.url, watched=watched, domains=list(domains), secret=secret)
            return str(made.id)

    def watch_also(self, webhook: Webhook, item: tuple[str, str]) -> None:
        """Have a webhook watch one more."""
        with explained():
            watched: list[Any] = [{"type": kind, "name": name} for kind, name in (*webhook.watched, item)]
            self._api.update_webhook(webhook.id, watched=watched)


@lru_cache(maxsize=8)
def api_of(endpoint: str, token: str) -> HfApi:
    """Return the client of a Hub, with this token or with none."""
    # Never a token that happens to be on the machine.
    return HfApi(endpoint=endpoint.rstrip("/"), token=token or False, library_name="cpipe-check")


@contextmanager
def explained() -> Iterator[None]:
    """Raise what the client raises as `TryAgain` when it may pass, else as `GiveUp`."""
    try:
        yield
    except HfHubHTTPError as error:
        raise _meaning(error) from None
    except (NETWORK, OSError) as error:
        raise TryAgain(f"the Hub does not answer ({type(error).__name__})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TryAgain(f"the Hub's answer is not what its API gives ({type(error).__name__})") from None


def _meaning(error: HfHubHTTPError) -> Exception:
    response = cast(Any, error.response)
    status, headers = int(response.status_code), {k.lower(): v for k, v in response.headers.items()}
    said = clean_line(error.server_message or "", 200)
    told = f"the Hub answers {status}{f': {said}' if said else ''}"
    if status == 429 or (status == 403 and "retry-after" in headers):
        return TryAgain(told, _wait(headers))
    if status >= 500 or status in {408, 409, 423, 425}:
        return TryAgain(told, _wait(headers) if "retry-after" in headers else 0.0)
    if status == 401 and ("Invalid credentials" in said or "Invalid user token" in str(error)):
        return GiveUp("the Hub does not know the bot's token (401)")
    if status in {401, 404}:
        return GiveUp(f"it is gone, or the bot may not see it ({told})")
    return GiveUp(told)


def _wait(headers: dict[str, str]) -> float:
    """The seconds that the Hub asks to wait, in `RateLimit` or `Retry-After`."""
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return min(float(limit.reset_in_seconds) + 1, _LONGEST_WAIT)
    after = headers.get("retry-after", "").strip()
    return min(float(after), _LONGEST_WAIT) if after.isdecimal() and len(after) < 10 else _A_WHILE
