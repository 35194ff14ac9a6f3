"""What a smoke-load goes by: the reference, the components passed, the inputs. Made before the file's code runs."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import numpy
import torch

from cpipe_check.example import Example
from cpipe_check.recipe import Recipe, unknown_names
from cpipe_check.smoke import inputs, recipe_values, signatures
from cpipe_check.smoke.attempts import Changes, Situation
from cpipe_check.smoke.example_values import Known, example_values, example_words, shown_components
from cpipe_check.smoke.job import Argument, Job
from cpipe_check.smoke.reference import build, choose
from cpipe_check.smoke.reference.choose import Choice, Chosen
from cpipe_check.smoke.reference.dimensions import Dimensions
from cpipe_check.smoke.small import small_numbers
from cpipe_check.smoke.values import STEPS, Setting


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
    recipe: Recipe
    example: Example | None
    method: str
    known: Known = field(default_factory=Known)

    def arguments(self) -> dict[str, Any]:
        """Return keyword arguments for one call, made anew.

        Raises:
            NotRun: when one cannot be made.
        """
        example = None if self.changes.no_example else self.example
        examples = example_values(example, self.method, [a.name for a in self.call], self.setting, self.known)
        if self.changes.shortened:
            examples = {name: value[:1] if isinstance(value, list) else value for name, value in examples.items()}
        decided = recipe_values.call_values(self.recipe.call, self.setting.device, self.setting.seed)
        guessed = [argument for argument in self.call if argument.name not in self.recipe.call]
        try:
            return {**inputs.call_arguments(guessed, self.setting, self.changes, examples), **decided}
        except inputs.NoInput as error:
            raise NotRun(str(error)) from None

    def given(self) -> dict[str, Any]:
        """Return the keyword arguments of a call, none when one cannot be made."""
        try:
            return self.arguments()
        except NotRun:
            return {}

    def arguments_of(self, function: Any) -> dict[str, Any]:
        """Return keyword arguments for a call of another method.

        Raises:
            NotRun: when one cannot be made.
        """
        try:
            arguments = signatures.of_function(function)
            names = [argument.name for argument in arguments]
            examples = example_values(self.example, function.__name__, names, self.setting, self.known)
            return inputs.call_arguments(arguments, self.setting, Changes(), examples)
        except inputs.NoInput as error:
            raise NotRun(str(error)) from None

    def situation(self, setters: Mapping[str, str]) -> Situation:
        """Return what the next attempt can change: nothing that the author's recipe says."""
        free = [argument for argument in self.call if argument.name not in self.recipe.call]
        return Situation(
            helpful=tuple(a.name for a in free if inputs.may_help(a)),
            optional=tuple(a.name for a in free if not a.required and inputs.can_make(a, self.setting)),
            pictures=tuple(a.name for a in free if inputs.is_picture(a)),
            components=tuple(a.name for a in self.init if not a.required and a.default == "None"),
            given=tuple(self.given()),
            has_example=self.example is not None and not self.changes.no_example,
            image_size=self.setting.image_size,
            text_width=self.dimensions.text_width,
            setters=setters,
            small=() if self.changes.author_sizes else tuple(small_numbers(free, self.setting)),
        )


# Given what is chosen and its dimensions, makes the reference and returns its directory.
MakeReference = Callable[[Chosen, Dimensions], Path]


def make_plan(job: Job, changes: Changes, make_reference: MakeReference) -> Plan:
    """Make the reference, the components that it lacks and the setting, all from the file's text.

    Raises:
        NotRun: when one of them, or the device, cannot be had.
    """
    device = _device(job.device)
    dtype = _dtype(job.dtype, device)
    try:
        init, call = signatures.arguments(job.init, "__init__"), signatures.arguments(job.call, job.method)
    except signatures.NoSignature as error:
        raise NotRun(str(error)) from None
    _check_names(job.recipe, init, call, job.method)
    if job.reference:
        return _with_real_model(job, changes, init, call, device, dtype)
    try:
        chosen = choose.choose(
            init,
            defines=job.defines,
            shown=shown_components(job.example),
            asked={
                **{name: (class_name, {}) for name, class_name in changes.also.items() if class_name},
                **{name: (c.class_name, c.config) for name, c in job.recipe.components.items()},
            },
            also=tuple(changes.also),
            family=job.recipe.reference,
            call=[a.name for a in call],
        )
    except choose.NoReference as error:
        raise NotRun(str(error)) from None
    words = example_words(job.example) if "words" in changes.asked else ()
    dimensions = Dimensions(chosen.classes, changes.asked, words=words)
    return Plan(
        reference=make_reference(chosen, dimensions),
        title=f"tiny {chosen.title} reference",
        reasons=tuple(f"{c.name}: {c.path.lstrip('.').rpartition('.')[2]} ({c.reason})" for c in chosen.choices),
        passed=_unnamed(chosen, dimensions, job.seed, dtype),
        own=tuple(choice for choice in chosen.choices if choice.own),
        init=init,
        call=call,
        dimensions=dimensions,
        setting=Setting(
            image_size=dimensions.image_size,
            size_known=True,
            device=device,
            seed=job.seed,
            frames=dimensions.frames,
            text_width=dimensions.text_width,
            steps=changes.asked.get("steps", STEPS),
        ),
        dtype=dtype,
        changes=changes,
        recipe=job.recipe,
        example=job.example,
        method=job.method,
    )


def _check_names(recipe: Recipe, init: tuple[Argument, ...], call: tuple[Argument, ...], method: str) -> None:
    """A signature that the file inherits is known only here, and so is what a recipe names beside it."""
    for names, arguments, function in ((recipe.components, init, "__init__"), (recipe.call, call, method)):
        if bad := unknown_names(names, arguments):
            raise NotRun(f"its recipe names `{bad[0]}`, which `{function}` does not take")


def build_reference(chosen: Chosen, dimensions: Dimensions, value: int, directory: Path) -> None:
    """Write the components of library classes to `directory`, but for those that no repository can name.

    Raises:
        NotRun: when one cannot be made.
    """
    try:
        parts = {c.name: build.one(c, dimensions, lambda: seed(value)) for c in chosen.choices if _written(c)}
        build.build(parts, directory)
    except build.NotMade as error:
        raise NotRun(str(error)) from None


def _written(choice: Choice) -> bool:
    return not choice.own and build.can_be_named(choice)


def _unnamed(chosen: Chosen, dimensions: Dimensions, value: int, dtype: torch.dtype) -> dict[str, Any]:
    """The components that no repository can name; whoever loads such a pipeline passes them."""
    try:
        parts = {
            c.name: build.one(c, dimensions, lambda: seed(value)) for c in chosen.choices if not build.can_be_named(c)
        }
    except build.NotMade as error:
        raise NotRun(str(error)) from None
    return {name: _typed(part, dtype) for name, part in parts.items()}


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
    given = {k: v[1] for k, v in index.items() if isinstance(v, list) and len(v) == 2 and all(map(_is_name, v))}
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
        recipe=job.recipe,
        example=job.example,
        method=job.method,
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


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


def _dtype(name: str, device: str) -> torch.dtype:
    """What users load with: half precision on a GPU, whole on a CPU."""
    if name != "auto":
        return getattr(torch, name)
    if not device.startswith("cuda"):
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
