"""Calling a pipeline until it takes its inputs, each time with what the last error suggests."""

from __future__ import annotations

import inspect
import re
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from cpipe_check.smoke import failures
from cpipe_check.smoke.attempts import DOWNLOADS, MAX_ATTEMPTS, Failure, following
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.job import Job
from cpipe_check.smoke.loading import invoke, load
from cpipe_check.smoke.plan import NotRun, Plan, build_reference, make_plan
from cpipe_check.smoke.reference.choose import Chosen
from cpipe_check.smoke.reference.dimensions import Dimensions
from cpipe_check.smoke.reference.families import DENOISERS

# No further attempt begins later than this.
_ATTEMPTS_SECONDS = 60.0


class NotTheInput(Exception):
    """The cause is an error that no input is to blame for.

    It comes after the denoiser, which has taken the inputs, and speaks of a kind of object that was not given; or it
    stays the same whatever form a picture is given in.
    """


def attempt(job: Job, plan: Plan, module: Any, channel: Channel) -> tuple[Any, Plan, Any]:
    """Load and call, again with what the error of a call suggests, until one is taken; then return what came of it."""
    start, asked = time.monotonic(), False
    before: tuple[Plan, Exception] | None = None
    for number in range(1, MAX_ATTEMPTS + 1):
        denoised: list[str] = []
        try:
            with channel.stage("load"):
                pipe = load(plan.reference, job, plan, module, plan.dtype)
            if not asked:
                channel.ask_challenge()
                asked = True
            with channel.stage("components"):
                _ = pipe.components
            with channel.stage("call"), _watched(pipe, denoised):
                return pipe, plan, invoke(pipe, job, plan)
        except NotRun:
            raise
        except Exception as error:
            if denoised and failures.is_within(error, failures.types_in(plan.given())):
                raise NotTheInput from error
            late = number == MAX_ATTEMPTS or time.monotonic() - start > _ATTEMPTS_SECONDS
            setters = _setters(plan.known.classes, job) if channel.current == "call" else {}
            following_plan = None if late else _next(job, plan, error, channel, number, setters)
            if following_plan is None:
                raise
            # The natural form of a picture came before the one that was tried instead.
            if before is not None and _in_another_form(plan, before[0]) and _unmoved(error, before[1]):
                raise NotTheInput from error
            before = plan, error
            plan = following_plan
    raise AssertionError("the last attempt raises")


@contextmanager
def _watched(pipe: Any, denoised: list[str]) -> Iterator[None]:
    """Note in `denoised` each time that a denoiser of the pipeline has done its work."""
    parts = {name: getattr(pipe, name, None) for name in DENOISERS}
    handles = [
        part.register_forward_hook(lambda *_, name=name: denoised.append(name))
        for name, part in parts.items()
        if isinstance(part, torch.nn.Module)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _next(
    job: Job, plan: Plan, error: Exception, channel: Channel, number: int, setters: Mapping[str, str]
) -> Plan | None:
    """Return the plan of the next attempt, None when the error is no matter of the inputs or nothing is left to try."""
    failure = _failure(error)
    ours = channel.current == "call" and failures.may_be_the_input(error, job)
    if not ours and failure.kind not in DOWNLOADS:
        return None
    for index, (changes, words) in enumerate(following(failure, plan.changes, plan.situation(setters))):
        same = (changes.asked, changes.also) == (plan.changes.asked, plan.changes.also)
        make = (lambda *_: plan.reference) if same else partial(made, job, f"reference-{number}-{index}")
        try:
            found = replace(make_plan(job, changes, make), known=plan.known)
            found.arguments()
        except NotRun:
            continue
        channel.send(event="again", tried=words, why=failures.one_line(error, job)[:200], changes=changes.to_object())
        return found
    return None


def _in_another_form(plan: Plan, natural: Plan) -> bool:
    """Whether pictures are given as another type than they naturally are."""
    if not plan.changes.forms or natural.changes.forms:
        return False
    return failures.types_in(plan.given()) != failures.types_in(natural.given())


def _unmoved(error: Exception, before: Exception) -> bool:
    """Whether an error about the type of a picture has not changed with the picture's form."""
    one, other = _failure(error), _failure(before)
    about_types = one.kind != "ValueError" and re.search(r"Tensor|ndarray|Image", one.text)
    return bool(about_types) and (one.kind, one.text, one.last) == (other.kind, other.text, other.last)


def _setters(classes: Mapping[str, type], job: Job) -> dict[str, str]:
    """Return which public method of the file's pipeline class sets an attribute, but for `__init__` and the call."""
    found: dict[str, str] = {}
    for cls in (classes[name] for name in job.defines if name in classes):
        if job.method in vars(cls):
            for name, function in vars(cls).items():
                if inspect.isfunction(function) and not name.startswith("_") and name != job.method:
                    found |= dict.fromkeys(re.findall(r"self\.(\w+) = ", _source(function)), name)
    return found


def _source(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def _failure(error: Exception) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)[-30:]
    kinds = [type(seen).__name__ for seen in failures.chain(error)]
    kind = next((kind for kind in kinds if kind in DOWNLOADS), kinds[0])
    return Failure(kind, str(error)[:2000], tuple((f.filename, f.name, f.line or "") for f in frames))


def made(job: Job, name: str, chosen: Chosen, dimensions: Dimensions) -> Path:
    """Make a reference in the room's `work` directory, where only this file's processes see it; return its path."""
    directory = Path(job.scratch) / "work" / name
    build_reference(chosen, dimensions, job.seed, directory)
    return directory
