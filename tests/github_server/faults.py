"""What goes wrong on demand: answers of other statuses, lost connections, and races."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from github_server.routing import Answer

RESET = "reset"
HANG = "hang"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: ``path`` decoded and without the base URL's; ``status`` 0 when nothing was answered."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    login: str = ""
    operation: str = ""
    status: int = 0


@dataclass(slots=True)
class Rule:
    method: str
    pattern: re.Pattern[str]
    times: int
    skip: int
    after: bool
    act: Any

    def takes(self, method: str, path: str, after: bool) -> bool:
        """Whether this is one of the calls that the rule is for; counts them."""
        if self.times <= 0 or self.after != after:
            return False
        if self.method not in ("*", method) or not self.pattern.search(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Faults:
    """Faults by method (`*` for any) and a regex searched in the path; each for ``times`` calls after ``skip`` ones.

    ``after=True`` lets the call take effect first, and then answers as if it had not.
    """

    rules: list[Rule] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(
        self,
        method: str,
        pattern: str,
        status: int,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        times: int = 1,
        skip: int = 0,
        after: bool = False,
    ) -> None:
        """Answer with a status; ``body`` is JSON, or text where it is a str."""
        if body is None:
            body = _PAGE.format(status=status) if status >= 500 else {"message": _MESSAGES.get(status, "Error")}
        self._add(method, pattern, times, skip, after, Answer(status, body, headers or {}))

    def reset(self, method: str, pattern: str, *, times: int = 1, skip: int = 0, after: bool = True) -> None:
        """Cut the connection without an answer."""
        self._add(method, pattern, times, skip, after, RESET)

    def hang(self, method: str, pattern: str, *, times: int = 1, skip: int = 0, after: bool = True) -> None:
        """Never answer: hold the connection until the server closes."""
        self._add(method, pattern, times, skip, after, HANG)

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

    def call(
        self,
        method: str,
        pattern: str,
        callback: Callable[[Request], None],
        *,
        times: int = 1,
        skip: int = 0,
        after: bool = False,
    ) -> None:
        """Run something before (or after) a call is handled, outside of the server's lock."""
        self._add(method, pattern, times, skip, after, callback)

    def due(self, method: str, path: str, after: bool) -> list[Any]:
        """What is to happen now: callbacks first, then at most one fault."""
        with self._lock:
            found = [rule.act for rule in self.rules if callable(rule.act) and rule.takes(method, path, after)]
            for rule in self.rules:
                if not callable(rule.act) and rule.takes(method, path, after):
                    return [*found, rule.act]
        return found

    @property
    def pending(self) -> list[str]:
        """The rules that have not been used up."""
        return [f"{rule.method} {rule.pattern.pattern}" for rule in self.rules if rule.times > 0]

    def _add(self, method: str, pattern: str, times: int, skip: int, after: bool, act: Any) -> None:
        with self._lock:
            self.rules.append(Rule(method, re.compile(pattern), times, skip, after, act))


_PAGE = "<html><head><title>{status}</title></head><body>Unicorn! The server cannot process your request.</body></html>"
_MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    422: "Validation Failed",
    429: "Too Many Requests",
}
