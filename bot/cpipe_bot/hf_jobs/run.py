"""Smoke-loads in Hugging Face Jobs: those of all files, a few side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from cpipe_bot.hf_jobs.client import Jobs
from cpipe_bot.hf_jobs.one import claimed
from cpipe_bot.hf_jobs.parcel import TooLarge
from cpipe_bot.hf_jobs.patience import Patience
from cpipe_bot.hf_jobs.settings import JobSettings
from cpipe_bot.jobs.work import GiveUp, TryAgain
from cpipe_bot.refused import Refused
from cpipe_check.report.model import Smoke, Verdict
from cpipe_check.smoke.pool import Load, LoadAll, Tell
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.text import clean_line


def in_jobs(settings: JobSettings) -> LoadAll:
    """Return what smoke-loads in Jobs, for `cpipe_check.checker.check`. It can be sent to another process."""
    return partial(smoke_load_all, settings=settings)


def smoke_load_all(loads: Sequence[Load], options: SmokeOptions, tell: Tell, settings: JobSettings) -> list[Smoke]:
    """Smoke-load every file in a Job of its own, a few at a time, and return what the Jobs claim, in order.

    What cannot be had is `not run`, with the reason. An interrupt cancels the Jobs. After `TryAgain` they go on, and
    are found again by what they do.

    Raises:
        TryAgain: when the Hub does not answer and the settings say that it is tried `again` later.
    """
    patience = Patience(settings.patience, settings.poll)
    jobs = Jobs(settings)
    options = replace(options, device=settings.device)

    def one(index: int) -> Smoke:
        tell(index, "start")
        smoke = _smoke(loads[index], options, settings, jobs, patience)
        tell(index, "")
        return smoke

    with ThreadPoolExecutor(settings.side_by_side, thread_name_prefix="job") as threads:
        try:
            return list(threads.map(one, range(len(loads))))
        except BaseException as error:
            patience.stop(interrupted=isinstance(error, KeyboardInterrupt))
            threads.shutdown(wait=True, cancel_futures=True)
            raise


def _smoke(load: Load, options: SmokeOptions, settings: JobSettings, jobs: Jobs, patience: Patience) -> Smoke:
    if options.reference:
        return _not_run("a reference that is given is not sent to a Hugging Face Job")
    try:
        return claimed(load, options, settings, jobs, patience)
    except TooLarge as error:
        return _not_run(str(error))
    except Refused as error:
        return _not_run(f"nothing is taken from its Hugging Face Job: {error}")
    except GiveUp as error:
        return _not_run(f"no Hugging Face Job: {error}", unserved=True)
    except TryAgain as error:
        if settings.again:
            raise
        return _not_run(f"no Hugging Face Job: {error}", unserved=True)


def _not_run(reason: str, *, unserved: bool = False) -> Smoke:
    return Smoke(Verdict.NOT_RUN, clean_line(reason, 700), unserved=unserved)
