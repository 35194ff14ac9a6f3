"""One file's smoke-load in a Job: the Job is found or started, waited for, and its claim taken."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import partial

from cpipe_bot import claims
from cpipe_bot.hf_jobs.client import Job, Jobs
from cpipe_bot.hf_jobs.framing import Reading
from cpipe_bot.hf_jobs.parcel import Parcel, document, pack
from cpipe_bot.hf_jobs.patience import Patience, Stopped
from cpipe_bot.hf_jobs.settings import JobSettings
from cpipe_bot.jobs.work import GiveUp, TryAgain
from cpipe_bot.refused import Refused
from cpipe_check import __version__
from cpipe_check.report.model import Smoke
from cpipe_check.smoke.pool import Load
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.text import clean_line

log = logging.getLogger("cpipe_bot.hf_jobs")
# A result that is not older is taken again: the process that asked for it may have ended before it could say so.
_FRESH = timedelta(hours=1)
# The log lags behind the Job's end.
_READS, _A_MOMENT = 4, 2.0


def claimed(load: Load, options: SmokeOptions, settings: JobSettings, jobs: Jobs, patience: Patience) -> Smoke:
    """Return what a Job claims of a file.

    Raises:
        Refused: when the Job fails, or its claim cannot be taken.
        TooLarge: when the file does not fit into a Job.
        TryAgain, GiveUp: when there is no Job to be had.
        Stopped: when the run is ended meanwhile.
    """
    parcel = Parcel(secrets.token_hex(16), load, options)
    # Before anything is asked for.
    text = pack(parcel)
    return _One(parcel, text, settings, jobs, patience).claimed()


def key_of(load: Load, options: SmokeOptions, settings: JobSettings) -> str:
    """Return what names a smoke-load: the same files, options and versions have the same."""
    machine = [__version__, settings.flavor, settings.docker_image, settings.command]
    plain = json.dumps([*machine, document(load, options)], sort_keys=True)
    # A label of more than 63 characters is taken nowhere.
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _One:
    parcel: Parcel
    text: str
    settings: JobSettings
    jobs: Jobs
    patience: Patience

    def claimed(self) -> Smoke:
        passed_over: set[str] = set()
        while True:
            job = self._ended(self.patience.persist(lambda: self._found_or_started(passed_over)))
            try:
                return self._claim(job)
            except Refused as error:
                if job.nonce == self.parcel.nonce:
                    raise
                # It was another process's; our own may fare better.
                log.info("nothing is taken from Job %s: %s", job.id, error)
                passed_over.add(job.id)

    def _found_or_started(self, passed_over: set[str]) -> Job:
        options = self.parcel.options
        key = key_of(self.parcel.load, options, self.settings)
        found = [job for job in self.jobs.find(key) if job.id not in passed_over and _is_of_use(job)]
        if found:
            log.info("Job %s was started already", found[0].id)
            return found[0]
        job = self.jobs.start(key, self.parcel.nonce, self.text, self._seconds)
        log.info("Job %s is started", job.id)
        # The Hub's answer may leave it out.
        return replace(job, nonce=self.parcel.nonce)

    @property
    def _seconds(self) -> float:
        """How long the Job may take: besides its start, the smoke-load and the reload, each."""
        return self.settings.startup + 2 * self.parcel.options.seconds

    def _ended(self, job: Job) -> Job:
        """Wait until a Job is at its end; one that takes too long, or is not wanted any more, is cancelled."""
        longest = self._seconds + self.settings.queue
        end = time.monotonic() + longest
        try:
            while job.running:
                if time.monotonic() > end:
                    self._cancel(job)
                    raise Refused(f"it did not end within {longest:.0f} s, and was cancelled")
                self.patience.wait(self.settings.poll)
                looked = self.patience.persist(partial(self.jobs.look, job))
                job = replace(looked, id=job.id, nonce=job.nonce)
        except Stopped:
            if self.patience.interrupted:
                self._cancel(job)
            raise
        return job

    def _cancel(self, job: Job) -> None:
        # Where that fails the Hub ends it by its own limit.
        with suppress(TryAgain, GiveUp):
            self.jobs.cancel(job)
            log.info("Job %s is cancelled", job.id)

    def _claim(self, job: Job) -> Smoke:
        if job.stage != "COMPLETED":
            raise Refused(f"it ended with {clean_line(job.stage, 40)}{f': {job.message}' if job.message else ''}")
        found = claims.read(self._report(job))
        if found.version != __version__:
            raise Refused(f"its image has cpipe-check {found.version}, and this is {__version__}")
        name, content = next(iter(self.parcel.load.files.items()))
        smoke = found.smokes.get(clean_line(name))
        if smoke is None or len(found.smokes) > 1:
            raise Refused("its report is about something else")
        isolation = replace(smoke.isolation, host=clean_line(self.settings.host))
        return replace(claims.within(smoke, content), isolation=isolation)

    def _report(self, job: Job) -> bytes:
        reading = self.patience.persist(lambda: self._read(job))
        for _ in range(_READS - 1):
            if reading.complete:
                break
            self.patience.wait(_A_MOMENT)
            reading = self.patience.persist(lambda: self._read(job))
        return reading.content()

    def _read(self, job: Job) -> Reading:
        reading = Reading(job.nonce)
        for line in self.jobs.log(job):
            reading.add(line)
            if reading.complete:
                break
        return reading


def _is_of_use(job: Job) -> bool:
    fresh = job.at is not None and datetime.now(timezone.utc) - job.at < _FRESH
    return job.running or (job.stage == "COMPLETED" and fresh)
