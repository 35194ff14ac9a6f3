"""The stages of a smoke-load, in order. Runs in the file's own process; nothing of the file runs before "import"."""

from __future__ import annotations

import inspect
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from cpipe_check.smoke import failures, outputs
from cpipe_check.smoke.attempts import MAX_ATTEMPTS, Failure, changes_from, following
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.job import Job
from cpipe_check.smoke.plan import NotRun, Plan, make_plan, own_components, seed

# No further attempt begins later than this.
_ATTEMPTS_SECONDS = 60.0


class Mismatch(Exception):
    """The reloaded pipeline gives another output than the first one did."""


def prepare(job: Job, channel: Channel) -> Plan:
    """Make what the smoke-load goes by.

    Raises:
        NotRun: when it cannot be had.
    """
    _quiet()
    with channel.stage("reference"):
        plan = make_plan(job, changes_from(job.changes), _directory(job, 0))
        device = plan.setting.device
        shown = device if plan.dtype == torch.float32 else f"{device} {str(plan.dtype).removeprefix('torch.')}"
        channel.send(event="setting", reference=plan.title, device=shown, choices=list(plan.reasons))
        return plan


def run(job: Job, plan: Plan, channel: Channel) -> None:
    """Run the stages up to saving; what ends them early is the error of the stage that failed."""
    # What a pipeline draws while it is made differs from one process to the next, unless it is saved.
    seed(job.seed + 1)
    with channel.stage("import"):
        module = _import(job)
    pipe, plan, first = _attempts(job, plan, module, channel)
    with channel.stage("output"):
        outputs.check(first)
        outputs.write(first, Path(job.scratch) / "out" / "first")
        channel.send(event="output", text=outputs.describe(first))
    with channel.stage("save"):
        pipe.save_pretrained(str(_saved(job)))
        _leave_to_caller(_saved(job) / "model_index.json", plan)


def run_again(job: Job, plan: Plan, channel: Channel) -> None:
    """Load what was saved and call it; what ends the stages early is the error of the one that failed."""
    seed(job.seed + 2)
    with channel.stage("reload"):
        pipe = _load(_saved(job), job, plan, _import(job) if plan.own else None)
    channel.ask_challenge()
    with channel.stage("repeat"):
        outcome = _invoke(pipe, job, plan)
        written = outputs.write(outcome, Path(job.scratch) / "out" / "again")
        same = outputs.same(outputs.read(Path(job.scratch) / "out" / "first"), written)
        # A pipeline that never gives the same output twice is not at fault for differing after a reload.
        repeatable = same or outputs.same(list(outputs.arrays(_invoke(pipe, job, plan))), list(outputs.arrays(outcome)))
        if repeatable and not same:
            raise Mismatch("after save and reload the same seed gives another output: something was not saved")
        channel.send(event="repeat", same=same)


def _attempts(job: Job, plan: Plan, module: Any, channel: Channel) -> tuple[Any, Plan, Any]:
    """Load and call, again with what the error of a call suggests, until one is taken; then return what came of it."""
    start = time.monotonic()
    for number in range(1, MAX_ATTEMPTS + 1):
        with channel.stage("load"):
            pipe = _load(plan.reference, job, plan, module)
        if number == 1:
            channel.ask_challenge()
        with channel.stage("components"):
            _ = pipe.components
        try:
            with channel.stage("call"):
                return pipe, plan, _invoke(pipe, job, plan)
        except Exception as error:
            late = number == MAX_ATTEMPTS or time.monotonic() - start > _ATTEMPTS_SECONDS
            following_plan = None if late else _next(job, plan, error, channel, number)
            if following_plan is None:
                raise
            plan = following_plan
            del pipe
    raise AssertionError("the last attempt raises")


def _next(job: Job, plan: Plan, error: Exception, channel: Channel, number: int) -> Plan | None:
    """Return the plan of the next attempt, None when the error is no matter of the inputs or nothing is left to try."""
    if not failures.may_be_the_input(error, job):
        return None
    changes, now = plan.changes, plan.situation()
    while (found := following(_failure(error), changes, now)) is not None:
        changes, words = found
        try:
            plan = make_plan(job, changes, _directory(job, number))
        except NotRun:
            continue
        channel.send(event="again", tried=words, why=failures.one_line(error, job)[:200], changes=changes.to_object())
        return plan
    return None


def _failure(error: Exception) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)[-30:]
    return Failure(type(error).__name__, str(error)[:2000], tuple((f.filename, f.name, f.line or "") for f in frames))


def _directory(job: Job, number: int) -> Path:
    return Path(job.scratch) / "work" / f"reference-{number}"


def _leave_to_caller(index: Path, plan: Plan) -> None:
    """Take out of a saved index what the caller passes: the classes it names may be none that a loader finds."""
    passed = {*plan.passed, *(choice.name for choice in plan.own)}
    if passed:
        entries = json.loads(index.read_text())
        index.write_text(json.dumps({name: entry for name, entry in entries.items() if name not in passed}, indent=2))


def _saved(job: Job) -> Path:
    return Path(job.scratch) / "out" / "saved"


def _import(job: Job) -> Any:
    """Import the file by the loader's own way; return its module."""
    path = Path(job.custom_pipeline)
    directory, name = (path.parent, path.name) if path.suffix == ".py" else (path, "pipeline.py")
    load = diffusers.utils.dynamic_modules_utils.get_class_from_dynamic_module
    trusted = {"trust_remote_code": True} if "trust_remote_code" in inspect.signature(load).parameters else {}
    return sys.modules.get(getattr(load(str(directory), module_file=name, **trusted), "__module__", ""))


def _load(source: Path, job: Job, plan: Plan, module: Any) -> Any:
    pipe = diffusers.DiffusionPipeline.from_pretrained(
        str(source),
        custom_pipeline=job.custom_pipeline,
        trust_remote_code=True,
        **({} if plan.dtype == torch.float32 else {"torch_dtype": plan.dtype}),
        **plan.passed,
        **own_components(plan, module, job.seed),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(plan.setting.device)


def _invoke(pipe: Any, job: Job, plan: Plan) -> Any:
    arguments = plan.arguments()
    seed(job.seed)
    return getattr(pipe, job.method)(**arguments)


def _quiet() -> None:
    """Keep progress bars and advice of the libraries out of the output."""
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
