"""The client of GitHub's API: who we are there, what is retried, and what an error means for whoever reads the log.

Only reads are retried blindly. A write may have taken effect though its answer is lost, so a write is a function that
looks first and then creates or changes what is missing: `persist` calls it again and again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import github
import requests
from github.Auth import Auth
from github.GithubException import GithubException
from github.IssueComment import IssueComment
from github.NamedUser import NamedUser
from github.Organization import Organization
from github.PullRequestComment import PullRequestComment
from urllib3 import BaseHTTPResponse

T = TypeVar("T")
log = logging.getLogger("cpipe_bot.github")

_READS = frozenset({"GET", "HEAD"})
_TRIES = 6
# The longest that all the waits of one write, or of one read, take together.
PATIENCE = 300.0


class CannotPublish(Exception):
    """Nothing can be published, for a reason that is one line and says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is on GitHub: the login that its comments have."""

    login: str

    def wrote(self, comment: IssueComment | PullRequestComment) -> bool:
        """Whether a comment is ours. One of an account that is gone has no user."""
        author: NamedUser | Organization | None = comment.user
        return author is not None and author.login == self.login


def connect(auth: Auth, api_url: str, *, pause: float = 1.0, patience: float = PATIENCE) -> github.Github:
    """Return a client of the API at `api_url`, GitHub's own or an Enterprise server's.

    `pause` is the time between two writes, in seconds (GitHub asks for one), `patience` the longest wait for a rate
    limit.
    """
    retry = _Patience(
        total=_TRIES,
        backoff_factor=pause / 2,
        backoff_max=30,
        allowed_methods=_READS,
        secondary_rate_wait=min(60.0, patience),
        max_rate_limit_wait=patience,
    )
    return github.Github(
        auth=auth,
        base_url=api_url.rstrip("/"),
        retry=retry,
        timeout=30,
        per_page=100,
        lazy=True,
        user_agent="cpipe-check",
        seconds_between_requests=pause / 20,
        seconds_between_writes=pause,
    )


class _Patience(github.GithubRetry):
    """Retries that wait for what GitHub names in `Retry-After`, within the same bound as for a rate limit."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        wait: float | None = super().get_retry_after(response)
        bound = self.max_rate_limit_wait
        if wait is not None and bound is not None and wait > bound:
            raise CannotPublish(
                f"GitHub asks to wait {wait:.0f} s, which is longer than {bound:.0f} s; run it again later"
            )
        return wait


def identity(client: github.Github) -> Identity:
    """Return who the client is.

    Neither the token of an Actions job nor an App's may ask the REST API; GraphQL tells both.

    Raises:
        CannotPublish: when GitHub does not tell.
    """
    _, answer = read("a known token", lambda: client.requester.graphql_query("query { viewer { login } }", {}))
    login = answer.get("data", {}).get("viewer", {}).get("login")
    if not isinstance(login, str) or not login:
        raise CannotPublish("GitHub does not tell whose token this is")
    return Identity(login)


def persist(
    permission: str,
    write: Callable[[], T],
    *,
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Call `write` until it is done, for as long as GitHub only asks to wait, and return what it returns.

    `write` must look before it creates anything. `permission` is what it needs.

    Raises:
        CannotPublish: when GitHub refuses, or asks to wait longer than `patience` seconds in all.
    """
    waited = 0.0
    for attempt in range(_TRIES):
        try:
            return explained(permission, write)
        except (GithubException, requests.RequestException) as error:
            wait = _wait(error, attempt)
            if attempt == _TRIES - 1 or waited + wait > patience:
                raise CannotPublish(f"GitHub did not take it after {attempt + 1} attempts: {_told(error)}") from error
            log.warning("GitHub asks to wait %.0f s: %s", wait, _told(error))
            waited += wait
            sleep(wait)
    raise AssertionError("unreachable")


def explained(permission: str, call: Callable[[], T]) -> T:
    """Return what `call` returns; raise what will not pass by waiting as `CannotPublish`, in words."""
    try:
        return call()
    except GithubException as error:
        why = _refusal(error, permission)
        if why:
            raise CannotPublish(why) from error
        raise


def read(permission: str, call: Callable[[], T]) -> T:
    """Return what a call that only reads returns; it was retried already, so all that it raises is `CannotPublish`."""
    try:
        return explained(permission, call)
    except (GithubException, requests.RequestException) as error:
        raise CannotPublish(f"GitHub does not answer: {_told(error)}; run it again later") from error


@contextmanager
def gone_is_fine() -> Iterator[None]:
    """Take it well that what is to be deleted is not there any more."""
    try:
        yield
    except GithubException as error:
        if error.status != 404:
            raise
        log.info("it was deleted already")


def _refusal(error: GithubException, permission: str) -> str:
    """Why asking again would not help, "" when it may."""
    if error.status == 401:
        return "GitHub does not know the token (401); is it revoked, or expired?"
    if error.status == 403 and not _is_rate_limit(error):
        return f"GitHub refuses this token (403): it needs `{permission}`; add it under `permissions:` of the job"
    if error.status in {404, 410}:
        return f"GitHub does not find it, or the token may not see it (404): {_told(error)}"
    if error.status == 422:
        return f"GitHub does not take it (422): {_told(error)}"
    return ""


def _is_rate_limit(error: GithubException) -> bool:
    headers = _headers(error)
    return (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or isinstance(error, github.RateLimitExceededException)
    )


def _wait(error: Exception, attempt: int) -> float:
    """The seconds to wait before the next attempt: what GitHub says, else longer each time."""
    if isinstance(error, GithubException):
        headers = _headers(error)
        if headers.get("retry-after", "").isdigit():
            return float(headers["retry-after"])
        if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
            return max(1.0, float(headers["x-ratelimit-reset"]) - time.time() + 1)
        if isinstance(error, github.RateLimitExceededException):
            return 60.0 * (attempt + 1)
    return min(30.0, 2.0**attempt)


def _headers(error: GithubException) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in (error.headers or {}).items()}


def _told(error: Exception) -> str:
    if isinstance(error, GithubException):
        message = error.data.get("message") if isinstance(error.data, dict) else None
        return f"{error.status} {message or ''}".strip()
    return type(error).__name__
