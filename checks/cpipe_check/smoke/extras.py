"""Stages beyond the verdict: what may bite some users. One that goes wrong is a notice, and changes no verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from cpipe_check.smoke import failures, outputs
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.job import Job
from cpipe_check.smoke.notices import Notices
from cpipe_check.smoke.plan import NotRun, Plan, seed


@dataclass(frozen=True, slots=True)
class Extra:
    """One such stage: its name, and what it does with a pipeline that has run. It raises what a user would see."""

    stage: str
    run: Callable[[], None]


class Surprise(Exception):
    """No error, but not what a user expects either. The message says what."""


def run_extras(
    pipe: Any, job: Job, plan: Plan, load: Callable[[torch.dtype], Any], channel: Channel, notices: Notices
) -> None:
    """Run a batch of two prompts, and the thorough stages if the job asks for them. Raises nothing for what fails."""
    for extra in _extras(pipe, job, plan, load):
        try:
            with channel.stage(extra.stage):
                extra.run()
        except NotRun:
            continue
        except Exception as error:
            if not failures.lacking(error, extra.stage, job):
                notices.add(f"{_TITLES[extra.stage]}: {failures.one_line(error, job)}")


_TITLES = {
    "batch": "with a batch of two prompts",
    "from_pipe": "made by `from_pipe`",
    "offload": "with `enable_model_cpu_offload`",
    "half": "in half precision",
    "callback": "with `callback_on_step_end`",
    "output_type": "with another `output_type`",
}


def _extras(pipe: Any, job: Job, plan: Plan, load: Callable[[torch.dtype], Any]) -> Iterator[Extra]:
    names = {argument.name: argument for argument in plan.call}
    prompt = names.get("prompt")
    takes_lists = prompt is not None and re.search(r"\blist\b", prompt.annotation or "", re.IGNORECASE)
    if takes_lists and isinstance(plan.arguments().get("prompt"), str) and "prompt" not in job.recipe.call:
        yield Extra("batch", lambda: _batch(pipe, job, plan))
    if not job.thorough:
        return
    yield Extra("from_pipe", lambda: _from_pipe(pipe))
    if plan.setting.device.startswith("cuda"):
        yield Extra("offload", lambda: _offload(load(plan.dtype), job, plan))
    half = torch.float16 if plan.setting.device.startswith("cuda") else torch.bfloat16
    yield Extra("half", lambda: outputs.check(_call(load(half), job, plan)))
    if "callback_on_step_end" in names:
        yield Extra("callback", lambda: _callback(pipe, job, plan))
    if "output_type" in names:
        yield Extra("output_type", lambda: _output_types(pipe, job, plan))


def _call(pipe: Any, job: Job, plan: Plan, **more: Any) -> Any:
    arguments = {**plan.arguments(), **more}
    seed(job.seed)
    return getattr(pipe, job.method)(**arguments)


def _batch(pipe: Any, job: Job, plan: Plan) -> None:
    one = plan.arguments()["prompt"]
    outputs.check(_call(pipe, job, plan, prompt=[one, one]))


def _from_pipe(pipe: Any) -> None:
    if not hasattr(type(pipe), "from_pipe"):
        return
    other = type(pipe).from_pipe(pipe)
    lost = [name for name, part in pipe.components.items() if other.components.get(name) is not part]
    if lost:
        raise Surprise(f"it loses {', '.join(lost)}")


def _offload(pipe: Any, job: Job, plan: Plan) -> None:
    pipe.to("cpu")
    pipe.enable_model_cpu_offload()
    outputs.check(_call(pipe, job, plan))


def _callback(pipe: Any, job: Job, plan: Plan) -> None:
    steps: list[int] = []

    def on_step_end(_pipe: Any, step: int, _timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        steps.append(step)
        return values

    _call(pipe, job, plan, callback_on_step_end=on_step_end)
    if not steps:
        raise Surprise("it is never called")


def _output_types(pipe: Any, job: Job, plan: Plan) -> None:
    for kind in ("np", "pt", "latent"):
        try:
            outputs.check(_call(pipe, job, plan, output_type=kind))
        except Exception as error:
            raise Surprise(f'"{kind}" fails: {type(error).__name__}: {error}') from error
