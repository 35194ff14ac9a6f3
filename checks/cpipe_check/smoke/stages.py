"""The stages of a smoke-load, in order. Runs in the file's own process; nothing of the file runs before "load"."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy
import torch
import transformers

from cpipe_check.smoke import outputs
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
    """Run the stages; what ends them early is the error of the stage that failed."""

    def load(source: Path) -> Any:
        pipe = diffusers.DiffusionPipeline.from_pretrained(
            str(source),
            custom_pipeline=job.custom_pipeline,
            trust_remote_code=True,
            **({} if plan.dtype == torch.float32 else {"torch_dtype": plan.dtype}),
            **plan.passed,
        )
        pipe.set_progress_bar_config(disable=True)
        return pipe.to(plan.setting.device)

    def invoke(pipe: Any) -> Any:
        _seed(job.seed)
        return pipe(**_inputs(plan.call, plan.setting))

    with channel.stage("load"):
        pipe = load(plan.reference)
    with channel.stage("components"):
        _ = pipe.components
    with channel.stage("call"):
        first = invoke(pipe)
    with channel.stage("output"):
        outputs.check(first)
        channel.send(event="output", text=outputs.describe(first))
    saved = Path(job.scratch) / "saved"
    with channel.stage("save"):
        pipe.save_pretrained(str(saved))
    with channel.stage("reload"):
        again = load(saved)
    with channel.stage("repeat"):
        _compare(first, invoke(again), lambda: invoke(pipe))


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


def _compare(first: Any, second: Any, repeat: Callable[[], Any]) -> None:
    # A pipeline that never gives the same output twice is not at fault for differing after a reload.
    if not outputs.same(first, second) and outputs.same(first, repeat()):
        raise Mismatch("after save and reload the same seed gives another output: something was not saved")


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
        try:
            index = diffusers.DiffusionPipeline.load_config(str(directory))
        except (OSError, ValueError) as error:
            raise NotRun(f"reference {directory.name}: {error}", unserved=True) from None
        return directory, {k: v[1] for k, v in index.items() if isinstance(v, list) and len(v) == 2 and v[0]}, None
    try:
        family = families.choose(init, job.defines)
    except families.NoReference as error:
        raise NotRun(str(error)) from None
    # A tiny model spends more time on handing work to threads than on the work.
    torch.set_num_threads(1)
    _seed(job.seed)
    directory = Path(job.scratch) / f"tiny-{family.name}"
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
