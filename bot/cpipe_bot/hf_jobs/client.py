"""The Jobs of one namespace, by the Hub's API: every request ends, and every failure is `TryAgain` or `GiveUp`."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from huggingface_hub import JobInfo
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import get_session, hf_raise_for_status

from cpipe_bot.hf_jobs.parcel import VARIABLE, is_nonce
from cpipe_bot.hf_jobs.settings import JobSettings
from cpipe_bot.hub.client import NETWORK, api_of, explained
from cpipe_bot.refused import Refused
from cpipe_check.text import CleanText, clean_line

_KEY, _NONCE = "cpipe-check", "cpipe-check-nonce"
_MAX_FOUND = 20
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_RUNNING = frozenset({"SCHEDULING", "RUNNING"})
MAX_LOG = 20_000_000
_MAX_LINE = 20_000
# In a log that is read while nothing more comes: how long to wait for more, and for all of it.
_QUIET, _LONGEST_READ = 10.0, 120.0


@dataclass(frozen=True, slots=True)
class Job:
    """A Job as the Hub tells of it: `nonce` is "" where it has none of ours, `at` when it ended or was made."""

    id: str
    stage: str
    message: CleanText
    nonce: str
    at: datetime | None

    @property
    def running(self) -> bool:
        """True while more is to come."""
        return self.stage in _RUNNING


class Jobs:
    """The Jobs. Every method raises `TryAgain` when the Hub does not answer and `GiveUp` when it refuses."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings
        self._api = api_of(settings.endpoint, settings.token)
        self._namespace = settings.namespace
        self._headers = build_hf_headers(token=settings.token or False, library_name="cpipe-check")

    @property
    def namespace(self) -> str:
        """Whose Jobs they are."""
        if not self._namespace:
            with explained():
                self._namespace = str(self._api.whoami(cache=True)["name"])
        return self._namespace

    def find(self, key: str) -> list[Job]:
        """Return our Jobs that were started with a key, a few at most.

        `HfApi.list_jobs` would wait by itself, and for as long as the Hub asks.
        """
        url = f"{self._settings.endpoint.rstrip('/')}/api/jobs/{self.namespace}"
        with explained():
            answer = get_session().get(url, params=[("label", f"{_KEY}={key}")], headers=self._headers)
            hf_raise_for_status(answer)
            found = [JobInfo(**each) for each in islice(answer.json(), _MAX_FOUND)]
            ours = [_job(each) for each in found if (each.labels or {}).get(_KEY) == key]
        return [job for job in ours if job.nonce]

    def start(self, key: str, nonce: str, parcel: str, seconds: float) -> Job:
        """Start a Job that may run for some seconds, and return it. It may have started though its answer is lost."""
        namespace = self.namespace
        with explained():
            made = self._api.run_job(
                image=self._settings.docker_image,
                command=self._settings.command,
                # Never `secrets`: it runs a stranger's code.
                env={VARIABLE: parcel},
                flavor=self._settings.flavor,
                timeout=math.ceil(seconds),
                name="cpipe-check",
                labels={_KEY: key, _NONCE: nonce},
                namespace=namespace,
            )
            return _job(made)

    def look(self, job: Job) -> Job:
        """Return what has become of a Job."""
        namespace = self.namespace
        with explained():
            return _job(self._api.inspect_job(job_id=job.id, namespace=namespace))

    def cancel(self, job: Job) -> None:
        """End a Job."""
        namespace = self.namespace
        with explained():
            self._api.cancel_job(job_id=job.id, namespace=namespace)

    def log(self, job: Job) -> Iterator[str]:
        """Yield the lines of a Job's log, cut, as far as they are there: a stream that goes on for ever is left.

        huggingface_hub's own `fetch_job_logs` takes lines and logs of any length, for any time.

        Raises:
            Refused: when it is longer than `MAX_LOG`.
        """
        url = f"{self._settings.endpoint.rstrip('/')}/api/jobs/{self.namespace}/{job.id}/logs"
        with explained(), get_session().stream("GET", url, headers=self._headers, timeout=_QUIET) as answer:
            hf_raise_for_status(answer)
            for line in _lines(answer.iter_bytes()):
                text = _logged(line)
                if text is not None:
                    yield text


def _job(info: JobInfo) -> Job:
    if not _ID.fullmatch(str(info.id)):
        raise ValueError("no id of a Job")
    nonce = (info.labels or {}).get(_NONCE, "")
    # An enumeration of strings, or a string that it does not know.
    stage = str(getattr(info.status.stage, "value", info.status.stage))
    message = clean_line(str(info.status.message or ""), 200)
    return Job(info.id, stage, message, nonce if is_nonce(nonce) else "", info.finished_at or info.created_at)


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of a stream; of one that is too long only the end."""
    size, end, rest = 0, time.monotonic() + _LONGEST_READ, b""
    while chunk := _next(chunks):
        size += len(chunk)
        if size > MAX_LOG:
            raise Refused(f"its log is longer than {MAX_LOG / 1e6:g} MB")
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if len(line) <= _MAX_LINE)
        rest = rest[-_MAX_LINE:]
        if time.monotonic() > end:
            return


def _next(chunks: Iterator[bytes]) -> bytes:
    """The next bytes, none when there are no more, or none have come for a while."""
    try:
        return next(chunks, b"")
    except NETWORK as error:
        if type(error).__name__ == "ReadTimeout":
            return b""
        raise


def _logged(line: bytes) -> str | None:
    """What a line of the stream says was logged, None when it says nothing of the kind."""
    if not line.startswith(b"data: {"):
        return None
    try:
        event: Any = json.loads(line[len(b"data: ") :])
    except (ValueError, RecursionError):
        return None
    found = event.get("data")
    return found if isinstance(found, str) else None
