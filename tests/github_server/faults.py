"""GitHub's own ways of going wrong: its error answers and its rate limits."""

from __future__ import annotations

import time

from loopback import HANG, RESET, Answer, Cut, Request
from loopback import Faults as AnyFaults

__all__ = ["HANG", "RESET", "Cut", "Faults", "Request"]


class Faults(AnyFaults):
    """The faults of any server, answered as GitHub answers, and its limits."""

    def __init__(self) -> None:
        super().__init__(_error)

    def secondary_limit(
        self,
        method: str,
        pattern: str,
        retry_after: int | None = None,
        *,
        status: int = 403,
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """The limit on bursts of writes, with or without a Retry-After; GitHub answers with 403 or 429."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        message = (
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. For more on "
            "scraping GitHub and how it may affect your rights, please review our Terms of Service"
        )
        url = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
        self.respond(
            method, pattern, status, {"message": message, "documentation_url": url}, headers, times=times, skip=skip
        )

    def primary_limit(
        self, method: str, pattern: str, reset_in: int = 3600, *, status: int = 403, times: int = 1, skip: int = 0
    ) -> None:
        """The hourly limit, used up until ``reset_in`` seconds from now."""
        headers = {
            "x-ratelimit-limit": "1000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-used": "1000",
            "x-ratelimit-resource": "core",
            "x-ratelimit-reset": str(int(time.time()) + reset_in),
        }
        message = "API rate limit exceeded for installation ID 1."
        url = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
        self.respond(
            method, pattern, status, {"message": message, "documentation_url": url}, headers, times=times, skip=skip
        )


def _error(status: int) -> Answer:
    body = _PAGE.format(status=status) if status >= 500 else {"message": _MESSAGES.get(status, "Error")}
    return Answer(status, body)


_PAGE = "<html><head><title>{status}</title></head><body>Unicorn! The server cannot process your request.</body></html>"
_MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    422: "Validation Failed",
    429: "Too Many Requests",
}
