"""The Hub's API, as much of it as a snapshot takes: one host, and nothing larger or slower than it may be.

The client is huggingface_hub's: its endpoint, token and session. Its functions for files and listings set no bounds,
neither on what comes nor on how long it takes, so that the answers are read here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from cpipe_check import __version__
from cpipe_check.snapshot.source import Source, is_repo
from cpipe_check.text import clean_line

# An answer of the API: 1,000 entries of a listing have about 0.3 MB.
_MAX_ANSWER = 8_000_000
_MAX_REDIRECTS = 5
# Seconds for the server to say something, for one whole answer, and for all answers together.
_PATIENCE, _DEADLINE, _ALL = 15.0, 60.0, 600.0
_LONGEST_WAIT = 3600.0
_INSTALL = "pip install -U 'huggingface_hub>=1'"
_LOG_IN = "set HF_TOKEN or run `hf auth login`"
_SHA = re.compile(r"[0-9a-f]{40}")
_Taken = TypeVar("_Taken")
_RESET = re.compile(r";\s*r=0\s*;\s*t=(\d{1,6})")


class SnapshotError(Exception):
    """A snapshot cannot be taken; the message is one line that says what to do.

    `may_pass` is True when the same may be possible later, in `retry_after` seconds where the Hub says so (else 0).
    """

    def __init__(self, why: str, *, may_pass: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(clean_line(why, 500))
        self.may_pass = may_pass
        self.retry_after = retry_after


class TooLarge(Exception):
    """What comes is larger than it may be."""


class NoSuchEntry(SnapshotError):
    """The commit has no such file or folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a listing: its path, its size as the Hub tells it, and whether its content stands elsewhere (LFS)."""

    path: str
    size: int
    lfs: bool


class Hub:
    """A client for one repository. All methods raise `SnapshotError` when the Hub refuses or does not answer."""

    def __init__(self, source: Source, endpoint: str | None = None, token: str | None = None) -> None:
        try:
            from huggingface_hub import constants
            from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
            from huggingface_hub.utils import build_hf_headers, get_session  # type: ignore[attr-defined]
        except ImportError:
            raise SnapshotError(f"a repository on the Hub needs huggingface_hub: {_INSTALL}") from None
        self._session: Any = get_session()
        if not hasattr(self._session, "stream"):
            raise SnapshotError(f"a repository on the Hub needs a newer huggingface_hub: {_INSTALL}")
        self._endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        headers = build_hf_headers(token=token, library_name="cpipe-check", library_version=__version__)
        self._headers = {**headers, "Accept-Encoding": "identity"}
        self._offline: type[Exception] = OfflineModeIsEnabled
        # The errors of whichever httpx it is built on.
        network = next(cls for cls in HfHubHTTPError.__mro__ if cls.__name__ == "HTTPError")
        self._network: tuple[type[BaseException], ...] = (network, OSError)
        self._ends = time.monotonic() + _ALL
        self._source = source
        self._repo = source.repo

    def resolve(self, revision: str) -> tuple[str, str]:
        """Return the repository's name of today, and the commit that a revision is."""
        info, _ = self._ask(f"{self._api()}/revision/{quote(revision, safe='')}?expand=sha", dict)
        repo, sha = info.get("id"), info.get("sha")
        if not isinstance(repo, str) or not isinstance(sha, str) or not is_repo(repo) or not _SHA.fullmatch(sha):
            raise self._strange()
        self._repo = repo
        return repo, sha

    def list(self, sha: str, folder: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """Yield the files of a commit, page by page as they are asked for."""
        path = f"/{quote(folder)}" if folder else ""
        query = f"recursive={str(recursive).lower()}&expand=false"
        url: str | None = f"{self._api()}/tree/{sha}{path}?{query}"
        while url is not None:
            items, links = self._ask(url, list)
            for item in items:
                match item:
                    case {"type": "file", "path": str(name), "size": int(size)}:
                        yield Entry(name, size, bool(item.get("lfs")))
            following = links.get("next", {}).get("url")
            url = None if following is None else urljoin(url, following)

    def read(self, sha: str, path: str, limit: int) -> bytes:
        """Return the content of a file.

        Raises:
            TooLarge: when it has more than `limit` bytes, whatever the listing says.
        """
        return self._get(self._content(sha, path), limit)[0]

    def save(self, sha: str, path: str, file: BinaryIO, limit: int, ends: float) -> int:
        """Write the content of a file into an open one, and return how many bytes there were.

        It may lie where the Hub keeps large files, on another host, which is not shown the token. `ends` is when it has
        to be there, by the monotonic clock.

        Raises:
            TooLarge: when it has more than `limit` bytes, whatever the listing says.
        """
        came = 0

        def take(response: Any) -> None:
            nonlocal came
            for chunk in _chunks(response, limit, ends):
                try:
                    came += file.write(chunk)
                except OSError as error:
                    raise SnapshotError(f"{path} cannot be kept: {error.strerror}") from None

        self._follow(self._content(sha, path), take, elsewhere=True)
        return came

    def _content(self, sha: str, path: str) -> str:
        kind = "datasets/" if self._source.repo_type == "dataset" else ""
        return f"{self._endpoint}/{kind}{self._repo}/resolve/{sha}/{quote(path)}"

    def _api(self) -> str:
        return f"{self._endpoint}/api/{self._source.repo_type}s/{self._repo}"

    def _ask(self, url: str, kind: type[Any]) -> tuple[Any, Mapping[str, Any]]:
        try:
            body, links = self._get(url, _MAX_ANSWER)
            answer = json.loads(body)
        except (TooLarge, ValueError, RecursionError):
            raise self._strange() from None
        if not isinstance(answer, kind):
            raise self._strange()
        return answer, links

    def _strange(self) -> SnapshotError:
        return SnapshotError("the Hub's answer is not what its API gives; run it again later", may_pass=True)

    def _get(self, url: str, limit: int) -> tuple[bytes, Mapping[str, Any]]:
        """Return the body and the links of an answer; redirects are followed on the same host only."""
        ends = min(time.monotonic() + _DEADLINE, self._ends)
        return self._follow(url, lambda response: (b"".join(_chunks(response, limit, ends)), response.links))

    def _follow(self, url: str, take: Callable[[Any], _Taken], *, elsewhere: bool = False) -> _Taken:
        """Return what `take` makes of an answer, after redirects: with `elsewhere` one of them to another host."""
        home = urlsplit(self._endpoint)[:2]
        headers = self._headers
        try:
            for _ in range(_MAX_REDIRECTS):
                if urlsplit(url)[:2] != home:
                    if not elsewhere or urlsplit(url).scheme != home[0]:
                        raise SnapshotError("the Hub sends us to another host, where we do not go")
                    home, elsewhere = urlsplit(url)[:2], False
                    headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
                with self._session.stream(
                    "GET", url, headers=headers, timeout=_PATIENCE, follow_redirects=False
                ) as response:
                    if response.status_code == 200:
                        return take(response)
                    if not 300 <= response.status_code < 400:
                        raise _refusal(response.status_code, response.headers, self._source)
                    url = urljoin(url, response.headers.get("location", ""))
        except self._offline:
            raise SnapshotError("the Hub is not asked: HF_HUB_OFFLINE is set") from None
        except self._network as error:
            raise SnapshotError(
                f"the Hub does not answer ({type(error).__name__}); check the network and run it again", may_pass=True
            ) from None
        raise SnapshotError("the Hub sends us round in circles; run it again later", may_pass=True)


def _chunks(response: Any, limit: int, ends: float) -> Iterator[bytes]:
    came = 0
    for chunk in response.iter_raw():
        came += len(chunk)
        if came > limit:
            raise TooLarge
        if time.monotonic() > ends:
            raise SnapshotError("the Hub answers too slowly; run it again later", may_pass=True)
        yield chunk


def _refusal(status: int, headers: Mapping[str, str], source: Source) -> SnapshotError:
    """What a status and the Hub's own error headers mean, as `hf_raise_for_status` reads them."""
    code, message = headers.get("x-error-code", ""), headers.get("x-error-message", "")
    if code == "GatedRepo":
        return SnapshotError(f"{source.named} is gated: ask for access on its page, then {_LOG_IN}")
    if code == "RevisionNotFound":
        return SnapshotError(
            f"{source.named} has no revision {source.revision}; give a branch, a tag, a commit or refs/pr/N"
        )
    if code == "EntryNotFound":
        return NoSuchEntry(f"{source.named} has no such file")
    if message == "Access to this resource is disabled.":
        return SnapshotError(f"the Hub has disabled {source.named}")
    if status == 401 and "Invalid credentials" in message:
        return SnapshotError(f"the Hub does not know the token; {_LOG_IN} with one that is valid")
    if code == "RepoNotFound" or status in (401, 404):
        return SnapshotError(f"there is no {source.named}, or it is private; check the name, or {_LOG_IN}")
    if status == 403:
        return SnapshotError(
            f"the token may not read {source.named}; give it the permission, or {_LOG_IN} with another"
        )
    if status == 429:
        wait = _wait(headers)
        when = f"in {wait:.0f} s" if wait else "later"
        return SnapshotError(
            f"the Hub takes no more requests for now (429); run it again {when}", may_pass=True, retry_after=wait
        )
    may_pass = status >= 500 or status in (408, 425)
    again = "; run it again later" if may_pass else ""
    return SnapshotError(f"the Hub answers {status}{again}", may_pass=may_pass, retry_after=_wait(headers))


def _wait(headers: Mapping[str, str]) -> float:
    told = headers.get("retry-after", "").strip()
    reset = _RESET.search(headers.get("ratelimit", ""))
    if told.isascii() and told.isdigit():
        return min(float(told[:9]), _LONGEST_WAIT)
    return min(float(reset[1]), _LONGEST_WAIT) if reset else 0.0
