"""What the Hub's side is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cpipe_bot.hf_jobs.settings import ENDPOINT, JobSettings
from cpipe_bot.hf_jobs.settings import from_environment as jobs_from_environment
from cpipe_bot.hub.names import is_repo
from cpipe_bot.jobs.work import GiveUp
from cpipe_check.size import MOST_OWN, size_from, size_text
from cpipe_check.smoke.run import SmokeOptions


@dataclass(frozen=True, slots=True)
class HubSettings:
    """How to check and answer on one Hub.

    `token` is the bot's own; it reads repositories and writes discussions. With `dry_run` nothing is written to the
    Hub. `smoke` is None for the static check alone; `gpu` is how to check after `/cpipe-check gpu`, None where there is
    no GPU. They are done in `jobs` and `gpu_jobs` on Hugging Face, or where those are None here. `watched` are the
    repositories (`owner/name`) whose refs are looked at for deliveries that never came. `pages` is the address of the
    dashboard, "" where there is none. What is done here is smoke-loaded against a repository's own weights where those
    take at most `own_weights` bytes.
    """

    endpoint: str = ENDPOINT
    token: str = field(default="", repr=False)
    dry_run: bool = False
    smoke: SmokeOptions | None = None
    gpu: SmokeOptions | None = None
    jobs: JobSettings | None = None
    gpu_jobs: JobSettings | None = None
    watched: tuple[str, ...] = ()
    pages: str = ""
    own_weights: int = 0


def smoke_place(environment: Mapping[str, str]) -> str:
    """Return where files are run, by CPIPE_SMOKE: "local", "hf-jobs" or "off" for nowhere.

    Raises:
        GiveUp: when it says something else.
    """
    place = environment.get("CPIPE_SMOKE", "local")
    if place not in ("local", "hf-jobs", "off"):
        raise GiveUp("CPIPE_SMOKE is neither local nor hf-jobs nor off")
    return place


def from_environment(environment: Mapping[str, str] = os.environ) -> HubSettings:
    """Return the settings that variables name.

    HF_ENDPOINT and HF_TOKEN are huggingface_hub's. CPIPE_DRY_RUN=1 writes nothing to the Hub. CPIPE_SMOKE is `local`
    (the default), `hf-jobs` for a Hugging Face Job a file (of CPIPE_JOB_FLAVOR; see `hf_jobs.settings`), or `off` for
    the static check alone; CPIPE_SMOKE_SECONDS is the limit of one file's load. For those who ask for a GPU there is
    this machine's with CPIPE_GPU=1, or a Job's with CPIPE_JOB_GPU_FLAVOR, such as t4-small. CPIPE_WATCHED are
    repositories, with spaces or commas between them; CPIPE_PAGES is the dashboard's address. CPIPE_OWN_WEIGHTS is a
    size, such as 500MB.

    Raises:
        GiveUp: when one of them cannot be used.
    """
    smoke = smoke_place(environment)
    seconds = environment.get("CPIPE_SMOKE_SECONDS", "300")
    watched = tuple(environment.get("CPIPE_WATCHED", "").replace(",", " ").split())
    if not seconds.isdecimal() or not 0 < int(seconds) <= 86_400:
        raise GiveUp("CPIPE_SMOKE_SECONDS is no number of seconds")
    if not all(map(is_repo, watched)):
        raise GiveUp("CPIPE_WATCHED has what is no repository; write OWNER/NAME OWNER/NAME")
    options = SmokeOptions(seconds=float(seconds), isolation="strict")
    flavor = environment.get("CPIPE_JOB_GPU_FLAVOR", "")
    has_gpu = flavor or environment.get("CPIPE_GPU", "") not in ("", "0")
    return HubSettings(
        endpoint=environment.get("HF_ENDPOINT") or ENDPOINT,
        token=environment.get("HF_TOKEN", ""),
        dry_run=environment.get("CPIPE_DRY_RUN", "") not in ("", "0"),
        smoke=None if smoke == "off" else options,
        gpu=replace(options, device="cuda") if has_gpu else None,
        jobs=jobs_from_environment(environment, again=True) if smoke == "hf-jobs" else None,
        gpu_jobs=jobs_from_environment(environment, flavor, again=True) if flavor else None,
        watched=watched,
        pages=environment.get("CPIPE_PAGES", ""),
        own_weights=_own_weights(environment.get("CPIPE_OWN_WEIGHTS", "")),
    )


def _own_weights(text: str) -> int:
    size = size_from(text or "0")
    if size is None or size > MOST_OWN:
        raise GiveUp(f"CPIPE_OWN_WEIGHTS is no size; write 500MB, and at most {size_text(MOST_OWN)}")
    return size
