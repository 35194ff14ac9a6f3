"""The stages of a smoke-load, in order. Runs in the file's own process; nothing of the file runs before "import"."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import diffusers
import torch
import transformers

from cpipe_check.smoke import outputs, pictures
from cpipe_check.smoke.attempts import changes_from
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.example_values import Known
from cpipe_check.smoke.extras import run_extras
from cpipe_check.smoke.job import Job
from cpipe_check.smoke.loading import classes_of, import_file, invoke, load, reload, saved
from cpipe_check.smoke.notices import Notices
from cpipe_check.smoke.plan import Plan, make_plan, seed
from cpipe_check.smoke.recipe_values import check_expected
from cpipe_check.smoke.reference import build
from cpipe_check.smoke.reference.choose import Chosen
from cpipe_check.smoke.reference.dimensions import Dimensions
from cpipe_check.smoke.trying import attempt, made

# What has taken so long is not called once more for what no verdict rests on.
_LONG_SECONDS = 30.0


class Mismatch(Exception):
    """The reloaded pipeline gives another output than the first one did."""


def prepare(job: Job, channel: Channel) -> Plan:
    """Make what the smoke-load goes by.

    Raises:
        NotRun: when it cannot be had.
    """
    _quiet()
    _own_thread_pool()
    _import_once()
    with channel.stage("reference"):
        plan = make_plan(job, changes_from(job.changes), partial(_reference, job, channel))
        device = plan.setting.device
        shown = device if plan.dtype == torch.float32 else f"{device} {str(plan.dtype).removeprefix('torch.')}"
        channel.send(event="setting", reference=plan.title, device=shown, choices=list(plan.reasons))
        return plan


def prepare_again(job: Job, _channel: Channel) -> Plan:
    """Make what goes with a pipeline that has been saved: all but the reference.

    Raises:
        NotRun: when it cannot be had.
    """
    _quiet()
    _own_thread_pool()
    _import_once()
    return make_plan(job, changes_from(job.changes), lambda *_: saved(job))


def _reference(job: Job, channel: Channel, chosen: Chosen, dimensions: Dimensions) -> Path:
    """Return the reference that the room keeps, or make it for this file and those after it."""
    key = build.key(chosen, dimensions, job.seed)
    if kept := channel.ask(event="reference", key=key):
        return Path(kept)
    directory = made(job, "reference", chosen, dimensions)
    return Path(channel.ask(event="built", key=key, name=directory.name) or directory)


def run(job: Job, plan: Plan, channel: Channel) -> None:
    """Run the stages up to saving; what ends them early is the error of the stage that failed."""
    # What a pipeline draws while it is made differs from one process to the next, unless it is saved.
    seed(job.seed + 1)
    notices, start = Notices(job, channel), time.monotonic()
    notices.listen()
    with channel.stage("import"):
        module = import_file(job)
    plan = replace(plan, known=Known(classes_of(module)))
    pipe, plan, first = attempt(job, plan, module, channel)
    with channel.stage("output"):
        outputs.check(first)
        check_expected(job.recipe.expect, first)
        outputs.write(first, Path(job.scratch) / "out" / "first")
        pictures.write(first, Path(job.scratch) / "out" / "first" / "pictures")
        channel.send(event="output", text=outputs.describe(first))
    with channel.stage("save"):
        pipe.save_pretrained(str(saved(job)))
    load_as = partial(load, plan.reference, job, plan, module)
    if job.thorough or time.monotonic() - start < _LONG_SECONDS:
        run_extras(pipe, job, plan, load_as, channel, notices)


def run_again(job: Job, plan: Plan, channel: Channel) -> None:
    """Load what was saved and call it; what ends the stages early is the error of the one that failed."""
    seed(job.seed + 2)
    with channel.stage("reload"):
        pipe = reload(job, plan)
    channel.ask_challenge()
    with channel.stage("repeat"):
        plan = replace(plan, known=Known(classes_of(sys.modules.get(type(pipe).__module__))))
        outcome = invoke(pipe, job, plan)
        written = outputs.write(outcome, Path(job.scratch) / "out" / "again")
        same = outputs.same(outputs.read(Path(job.scratch) / "out" / "first"), written)
        # A pipeline that never gives the same output twice is not at fault for differing after a reload.
        repeatable = same or outputs.same(list(outputs.arrays(invoke(pipe, job, plan))), list(outputs.arrays(outcome)))
        if repeatable and not same:
            raise Mismatch("after save and reload the same seed gives another output: something was not saved")
        channel.send(event="repeat", same=same)


def _own_thread_pool() -> None:
    """Have torch make the thread pool of this fork now: of several threads that ask for it first, one may get none."""
    torch.set_num_threads(torch.get_num_threads())


def _import_once() -> None:
    """Have the loader run a file once in this process, as for a user who loads it once.

    It would run it anew each time, in the same module: classes made before would be others than those after.
    """
    loader = diffusers.utils.dynamic_modules_utils
    loader.get_class_in_module = cache(loader.get_class_in_module)


def _quiet() -> None:
    """Keep progress bars and advice of the libraries out of the output."""
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
