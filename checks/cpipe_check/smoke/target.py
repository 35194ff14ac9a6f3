"""What the smoke-load needs to know of a pipeline file, read off its facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cpipe_check.example import Example, example_from
from cpipe_check.finding import Finding
from cpipe_check.pipeline_file import PipelineFile, compatibility, lineage
from cpipe_check.pipeline_file.annotations import classes_named
from cpipe_check.pipeline_file.facts import Function, Imported, Namespace
from cpipe_check.recipe import Recipe, recipe_from
from cpipe_check.smoke.job import Argument, Signature, signature_from

CALL = "__call__"
CANNOT_FOLLOW = "its recipe is not valid (CP501)"
# What pipelines without `__call__` name the method that does its work, the likeliest first.
_OTHER_CALLS = (
    "text2img", "txt2img", "text_to_image", "img2img", "generate", "inference", "infer", "sample", "predict", "run",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SmokeTarget:
    """What the text tells of a pipeline class.

    Its name, the signatures of its `__init__` and of the `method` that is called, the modules beside the file, the
    classes in the file, the other packages that it imports, and its author's recipe and example, None when no text
    shows one.
    """

    class_name: str
    init: Signature
    call: Signature
    siblings: tuple[str, ...]
    defines: tuple[str, ...]
    packages: tuple[str, ...] = ()
    method: str = CALL
    recipe: Recipe = field(default_factory=Recipe)
    example: Example | None = None

    def to_object(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        example = None if self.example is None else self.example.to_object()
        return {**asdict(replace(self, example=None)), "example": example}


def target_from(payload: Mapping[str, Any]) -> SmokeTarget:
    """Return what `SmokeTarget.to_object` wrote."""
    values = dict(payload)
    values["init"], values["call"] = signature_from(values["init"]), signature_from(values["call"])
    for name in ("siblings", "defines", "packages"):
        values[name] = tuple(values[name])
    values["recipe"] = recipe_from(values["recipe"])
    values["example"] = None if values["example"] is None else example_from(values["example"])
    return SmokeTarget(**values)


def target_of(file: PipelineFile, found: Sequence[Finding], unclear: str) -> tuple[SmokeTarget | None, str]:
    """Return what to smoke-load, or None and the reason why there is nothing; `unclear` is why no class is picked."""
    impossible = next((f for f in found if f.breaks in ("load", "init")), None)
    if impossible is not None:
        return None, f"{impossible.code} shows that it cannot load"
    if file.pipeline_class is None or file.namespace is None:
        return None, f"cannot tell: {unclear}"
    init = _signature(file, "__init__")
    method = _method(file)
    call = _signature(file, method)
    if init is None or call is None:
        return None, f"no signature of `{'__init__' if init is None else CALL}` to make inputs for"
    if file.recipe.errors:
        return None, f"{CANNOT_FOLLOW}: {file.recipe.errors[0].message}"
    return SmokeTarget(
        class_name=file.pipeline_class.name,
        init=init,
        call=call,
        siblings=tuple(name for name, _ in file.loader_relative_imports()),
        defines=tuple(cls.name for cls in file.namespace.classes),
        packages=compatibility.other_packages(file),
        method=method,
        recipe=file.recipe.recipe,
        example=file.example,
    ), ""


def _method(file: PipelineFile) -> str:
    """`__call__`, or where there is none the method that seems to take its place."""
    shown = (file.example.method,) if file.example else ()
    return next((name for name in (CALL, *shown, *_OTHER_CALLS) if _signature(file, name) is not None), CALL)


def _signature(file: PipelineFile, method: str) -> Signature | None:
    """The method's signature in this file, or the one library class that it comes from."""
    assert file.pipeline_class is not None
    assert file.namespace is not None
    match lineage.defined_in(file.pipeline_class, file.namespace, method):
        case Function() as function:
            return Signature(_arguments(function, file.namespace))
        # A library class has the two that every pipeline has, and no other that we know of.
        case Imported(module=module, name=name) if method.startswith("__"):
            return Signature(None, f"{module}.{name}")
    return None


def _class(default: str | None) -> str:
    """A class given as a default stands for what its parameter takes."""
    return default if default and default.isidentifier() and default[0].isupper() else ""


def _arguments(function: Function, namespace: Namespace) -> tuple[Argument, ...]:
    return tuple(
        Argument(p.name, p.kind, p.annotation, p.default, classes_named(p.annotation or _class(p.default), namespace))
        for p in function.parameters
    )
