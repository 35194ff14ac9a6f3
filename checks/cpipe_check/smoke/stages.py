"""The stages of a smoke-load, in order. Runs in the file's own process; nothing of the file runs before "load"."""

from __future__ import annotations

import inspect
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy
import torch
import transformers

from cpipe_check.smoke import outputs, pictures
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.inputs import NoInput, Setting, call_arguments
from cpipe_check.smoke.job import Argument, Job, Signature
from cpipe_check.smoke.reference import families
from cpipe_check.smoke.reference.components import factory

_EMPTY = inspect.Parameter.empty
_KINDS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


class NotRun(Exception):
    """The smoke-load cannot be done here. `unserved` is True when something asked for by name is missing."""

    def __init__(self, reason: str, *, unserved: bool = False) -> None:
        super().__init__(reason)
        self.unserved = unserved


class Mismatch(Exception):
    """The reloaded pipeline gives another output than the first one did."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a smoke-load goes by, settled before any of the file's code runs."""

    reference: Path
    passed: Mapping[str, Any]
    call: tuple[Argument, ...]
    setting: Setting
    dtype: torch.dtype


def prepare(job: Job, channel: Channel) -> Plan:
    """Make the reference, the components that it lacks and the inputs, all from the file's text.

    Raises:
        NotRun: when one of them, or the device, cannot be had.
    """
    _quiet()
    device, dtype = _device(job.device), _dtype(job.dtype)
    with channel.stage("reference"):
        init, call = _arguments(job.init, "__init__"), _arguments(job.call, "__call__")
        reference, given, size = _reference(job, init)
        channel.send(event="setting", reference=_title(job, reference), device=_device_title(device, dtype))
        setting = Setting(size or 64, size is not None, device, job.seed)
        _inputs(call, setting)
        return Plan(reference, _passed(init, given, job.seed, dtype), call, setting, dtype)


def run(job: Job, plan: Plan, channel: Channel) -> None:
    """Run the stages up to saving; what ends them early is the error of the stage that failed."""
    # What a pipeline draws while it is made differs from one process to the next, unless it is saved.
    _seed(job.seed + 1)
    with channel.stage("load"):
        pipe = _load(plan.reference, job, plan)
    channel.ask_challenge()
    with channel.stage("components"):
        _ = pipe.components
    with channel.stage("call"):
        first = _invoke(pipe, job, plan)
    with channel.stage("output"):
        outputs.check(first)
        outputs.write(first, Path(job.scratch) / "out" / "first")
        pictures.write(first, Path(job.scratch) / "out" / "first" / "pictures")
        channel.send(event="output", text=outputs.describe(first))
    with channel.stage("save"):
        pipe.save_pretrained(str(_saved(job)))


def run_again(job: Job, plan: Plan, channel: Channel) -> None:
    """Load what was saved and call it; what ends the stages early is the error of the one that failed."""
    _seed(job.seed + 2)
    with channel.stage("reload"):
        pipe = _load(_saved(job), job, plan)
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


def _saved(job: Job) -> Path:
    return Path(job.scratch) / "out" / "saved"


def _load(source: Path, job: Job, plan: Plan) -> Any:
    pipe = diffusers.DiffusionPipeline.from_pretrained(
        str(source),
        custom_pipeline=job.custom_pipeline,
        trust_remote_code=True,
        **({} if plan.dtype == torch.float32 else {"torch_dtype": plan.dtype}),
        **plan.passed,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(plan.setting.device)


def _invoke(pipe: Any, job: Job, plan: Plan) -> Any:
    _seed(job.seed)
    return pipe(**_inputs(plan.call, plan.setting))


def _quiet() -> None:
    """Keep progress bars and advice of the libraries out of the output."""
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()


def _seed(value: int) -> None:
    """Seed every random number generator that a pipeline may use."""
    random.seed(value)
    numpy.random.seed(value)
    torch.manual_seed(value)


def _device(name: str) -> str:
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1).to(name)
    except (RuntimeError, AssertionError, ValueError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise NotRun(f"device `{name}` is not available: {line} (torch {torch.__version__})", unserved=True) from None
    return name


def _dtype(name: str) -> torch.dtype:
    return torch.float32 if name == "auto" else getattr(torch, name)


def _device_title(device: str, dtype: torch.dtype) -> str:
    return device if dtype == torch.float32 else f"{device} {str(dtype).removeprefix('torch.')}"


def _arguments(signature: Signature, method: str) -> tuple[Argument, ...]:
    """Return a method's arguments: as the file's text has them, or those of the library class that it inherits from."""
    if signature.arguments is not None:
        return signature.arguments
    library, _, name = signature.inherited_from.rpartition(".")
    cls = getattr(diffusers, name, None) if library.startswith("diffusers") else None
    if cls is None:
        raise NotRun(f"the signature of `{method}` cannot be told from the text of the file")
    parameters = list(inspect.signature(getattr(cls, method)).parameters.values())[1:]
    return tuple(_argument(parameter) for parameter in parameters)


def _argument(parameter: inspect.Parameter) -> Argument:
    annotation = parameter.annotation
    text = None if annotation is _EMPTY else getattr(annotation, "__name__", None) or str(annotation)
    if annotation is not _EMPTY and not isinstance(annotation, type):
        text = str(annotation)
    default = None if parameter.default is _EMPTY else repr(parameter.default)
    return Argument(parameter.name, _KINDS.get(parameter.kind, "positional"), text, default)


def _reference(job: Job, init: tuple[Argument, ...]) -> tuple[Path, Mapping[str, str | None], int | None]:
    """Return the reference's directory, the components in it with their classes, and the image size if known."""
    if job.reference:
        directory = Path(job.reference)
        torch.set_num_threads(os.cpu_count() or 1)
        try:
            index = diffusers.DiffusionPipeline.load_config(str(directory))
        except (OSError, ValueError) as error:
            raise NotRun(f"reference {directory.name}: {error}", unserved=True) from None
        return directory, {k: v[1] for k, v in index.items() if isinstance(v, list) and len(v) == 2 and v[0]}, None
    try:
        family = families.choose(init, job.defines)
    except families.NoReference as error:
        raise NotRun(str(error)) from None
    _seed(job.seed)
    directory = Path(job.scratch) / "work" / f"tiny-{family.name}"
    families.build(family, directory)
    return directory, dict(family.components), family.image_size


def _title(job: Job, reference: Path) -> str:
    return f"reference {Path(job.reference).name}" if job.reference else f"tiny {reference.name[5:]} reference"


def _passed(
    init: tuple[Argument, ...], given: Mapping[str, str | None], value: int, dtype: torch.dtype
) -> dict[str, Any]:
    """Return the components that the reference lacks, or has of another class than the type hint asks for."""
    passed: dict[str, Any] = {}
    for argument in init:
        class_name = given.get(argument.name)
        if not argument.required or (class_name and families.accepts(argument.annotation, class_name)):
            continue
        hint = families.made_from_hint(argument)
        make = factory(hint) if hint else None
        if make is not None:
            _seed(value)
            component = make()
            passed[argument.name] = component.to(dtype) if isinstance(component, torch.nn.Module) else component
        elif class_name is None:
            named = f" ({argument.annotation})" if argument.annotation else ""
            raise NotRun(f"no reference for component `{argument.name}`{named}")
    return passed


def _inputs(call: tuple[Argument, ...], setting: Setting) -> dict[str, Any]:
    try:
        return call_arguments(call, setting)
    except NoInput as error:
        raise NotRun(str(error)) from None
