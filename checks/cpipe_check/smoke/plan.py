"""What a smoke-load goes by: the reference, the components passed, the inputs. Made before any of the file's code runs."""

from __future__ import annotations

import inspect
import os
import random
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy
import torch

from cpipe_check.smoke import inputs
from cpipe_check.smoke.attempts import Changes, Situation
from cpipe_check.smoke.job import Argument, Job, Signature
from cpipe_check.smoke.reference import build, choose
from cpipe_check.smoke.reference.choose import Choice, Chosen
from cpipe_check.smoke.reference.dimensions import Dimensions
from cpipe_check.smoke.reference.find import find
from cpipe_check.smoke.values import Setting

_EMPTY = inspect.Parameter.empty
_KINDS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


class NotRun(Exception):
    """The smoke-load cannot be done here. `unserved` is True when something asked for by name is missing."""

    def __init__(self, reason: str, *, unserved: bool = False) -> None:
        super().__init__(reason)
        self.unserved = unserved


@dataclass(frozen=True, slots=True)
class Plan:
    """One attempt's reference, and all that goes with it.

    `passed` are the components that the caller passes, `own` those of classes that the file itself defines, which can
    be made once it has been imported.
    """

    reference: Path
    title: str
    reasons: tuple[str, ...]
    passed: Mapping[str, Any]
    own: tuple[Choice, ...]
    init: tuple[Argument, ...]
    call: tuple[Argument, ...]
    dimensions: Dimensions
    setting: Setting
    dtype: torch.dtype
    changes: Changes
    examples: Mapping[str, Any]

    def arguments(self) -> dict[str, Any]:
        """Return keyword arguments for one call, made anew.

        Raises:
            NotRun: when one cannot be made.
        """
        examples = {} if self.changes.no_example else self.examples
        try:
            return inputs.call_arguments(self.call, self.setting, self.changes, examples)
        except inputs.NoInput as error:
            raise NotRun(str(error)) from None

    def situation(self) -> Situation:
        """Return what the next attempt can change."""
        return Situation(
            helpful=tuple(a.name for a in self.call if inputs.may_help(a)),
            numbers=tuple(a.name for a in self.call if inputs.may_be_a_number(a)),
            texts=tuple(a.name for a in self.call if inputs.is_text(a)),
            pictures=tuple(a.name for a in self.call if inputs.is_picture(a)),
            components=tuple(a.name for a in self.init if not a.required and a.default == "None"),
            given=tuple(self.arguments()),
            has_example=bool(self.examples) and not self.changes.no_example,
            image_size=self.setting.image_size,
            frames=self.setting.frames,
        )


def make_plan(job: Job, changes: Changes, directory: Path) -> Plan:
    """Make the reference in `directory`, the components that it lacks and the setting, all from the file's text.

    Raises:
        NotRun: when one of them, or the device, cannot be had.
    """
    device, dtype = _device(job.device), _dtype(job.dtype)
    init, call = _arguments(job.init, "__init__"), _arguments(job.call, job.method)
    if job.reference:
        return _with_real_model(job, changes, init, call, device, dtype)
    try:
        chosen = choose.choose(init, defines=job.defines, also=changes.also)
    except choose.NoReference as error:
        raise NotRun(str(error)) from None
    dimensions = Dimensions(chosen.classes, changes.asked)
    if not directory.exists():
        build_reference(chosen, dimensions, job.seed, directory)
    plan = Plan(
        reference=directory,
        title=f"tiny {chosen.title} reference",
        reasons=tuple(f"{c.name}: {c.path.lstrip('.').rpartition('.')[2]} ({c.reason})" for c in chosen.choices),
        passed={},
        own=tuple(choice for choice in chosen.choices if choice.own),
        init=init,
        call=call,
        dimensions=dimensions,
        setting=Setting(dimensions.image_size, True, device, job.seed, dimensions.frames),
        dtype=dtype,
        changes=changes,
        examples={},
    )
    plan.arguments()
    return plan


def build_reference(chosen: Chosen, dimensions: Dimensions, value: int, directory: Path) -> None:
    """Write the components of library classes to `directory`.

    Raises:
        NotRun: when one cannot be made.
    """
    try:
        parts = {c.name: build.one(c, dimensions, lambda: seed(value)) for c in chosen.choices if not c.own}
    except build.NotMade as error:
        raise NotRun(str(error)) from None
    build.build(parts, directory)


def seed(value: int) -> None:
    """Seed every random number generator that a pipeline may use."""
    random.seed(value)
    numpy.random.seed(value)
    torch.manual_seed(value)


def _with_real_model(
    job: Job, changes: Changes, init: tuple[Argument, ...], call: tuple[Argument, ...], device: str, dtype: torch.dtype
) -> Plan:
    """A plan around a model on disk: only what it lacks, or has of another class than asked for, is made."""
    directory = Path(job.reference)
    torch.set_num_threads(os.cpu_count() or 1)
    try:
        index = diffusers.DiffusionPipeline.load_config(str(directory))
    except (OSError, ValueError) as error:
        raise NotRun(f"reference {directory.name}: {error}", unserved=True) from None
    given = {k: v[1] for k, v in index.items() if isinstance(v, list) and len(v) == 2 and v[0] and v[1]}
    lacking = [a for a in init if a.required and not (a.name in given and choose.accepts(a, given[a.name]))]
    try:
        chosen = choose.choose(lacking, defines=job.defines)
        dimensions = Dimensions({**given, **chosen.classes}, changes.asked)
        passed = {c.name: build.one(c, dimensions, lambda: seed(job.seed)) for c in chosen.choices if not c.own}
    except (choose.NoReference, build.NotMade) as error:
        raise NotRun(str(error)) from None
    return Plan(
        reference=directory,
        title=f"reference {directory.name}",
        reasons=(),
        passed={name: _typed(part, dtype) for name, part in passed.items()},
        own=tuple(choice for choice in chosen.choices if choice.own),
        init=init,
        call=call,
        dimensions=dimensions,
        setting=Setting(dimensions.image_size, False, device, job.seed, dimensions.frames),
        dtype=dtype,
        changes=changes,
        examples={},
    )


def own_components(plan: Plan, module: Any, value: int) -> dict[str, Any]:
    """Return the components of classes that the file defines, made from what `module`, the imported file, has.

    Raises:
        NotRun: when one cannot be made.
    """
    try:
        return {
            choice.name: _typed(
                build.one(choice, plan.dimensions, lambda: seed(value), getattr(module, choice.path[1:], None)),
                plan.dtype,
            )
            for choice in plan.own
        }
    except build.NotMade as error:
        raise NotRun(str(error)) from None


def _typed(component: Any, dtype: torch.dtype) -> Any:
    return component.to(dtype) if isinstance(component, torch.nn.Module) else component


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


def _arguments(signature: Signature, method: str) -> tuple[Argument, ...]:
    """Return a method's arguments: as the file's text has them, or those of the library class that it inherits from."""
    if signature.arguments is not None:
        return signature.arguments
    cls = find(signature.inherited_from)
    if not isinstance(cls, type):
        raise NotRun(f"the signature of `{method}` cannot be told from the text of the file")
    function = getattr(cls, method)
    hints = _hints(function)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return tuple(_argument(parameter, hints.get(parameter.name, parameter.annotation)) for parameter in parameters)


def _hints(function: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(inspect.unwrap(function))
    except Exception:
        # A name that only a type checker imports.
        return {}


def _argument(parameter: inspect.Parameter, hint: Any) -> Argument:
    written = parameter.annotation
    text = None if written is _EMPTY else getattr(written, "__name__", None) or str(written)
    if written is not _EMPTY and not isinstance(written, type):
        text = str(written)
    default = None if parameter.default is _EMPTY else repr(parameter.default)
    return Argument(parameter.name, _KINDS.get(parameter.kind, "positional"), text, default, tuple(_classes(hint)))


def _classes(hint: Any) -> list[str]:
    """The dotted paths of the classes in a hint, but for Python's own."""
    if isinstance(hint, type) and not typing.get_args(hint):
        return [] if hint is _EMPTY or hint.__module__ == "builtins" else [f"{hint.__module__}.{hint.__qualname__}"]
    return [path for part in typing.get_args(hint) for path in _classes(part)]
