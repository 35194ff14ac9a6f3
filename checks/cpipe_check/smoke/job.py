"""What the checker and the smoke-load's process tell each other. Plain JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cpipe_check.example import Example, example_from
from cpipe_check.recipe import Recipe, recipe_from


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter as the text has it: annotation and default are source code, None when there is none.

    `classes` are the dotted paths of the classes that the annotation names, `.Name` for one that the file defines.
    """

    name: str
    kind: str
    annotation: str | None
    default: str | None
    classes: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """True when a caller has to pass it."""
        return self.default is None and self.kind in ("positional", "keyword")


@dataclass(frozen=True, slots=True)
class Signature:
    """A method's parameters without `self`; or, when the file inherits it, None and the library class it is from."""

    arguments: tuple[Argument, ...] | None
    inherited_from: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One smoke-load. Paths are absolute: `custom_pipeline` is what `from_pretrained` is given, `scratch` the room's.

    `method` is what is called, with the signature `call`. `defines` are the classes that the file defines, `packages`
    the other packages that it imports. `reference` is a directory, or "" for a tiny one; `device` is "auto" or a torch
    device; `dtype` "auto" or a torch dtype. `changes` is what earlier attempts found out (`attempts.Changes`), `recipe`
    what the author says of it and `example` how he calls it, None when no text shows that.
    """

    custom_pipeline: str
    file_name: str
    scratch: str
    init: Signature
    call: Signature
    defines: tuple[str, ...]
    reference: str
    device: str
    dtype: str
    seed: int
    packages: tuple[str, ...] = ()
    method: str = "__call__"
    thorough: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=Recipe)
    example: Example | None = None

    def to_object(self) -> dict[str, Any]:
        """Return the job as a JSON object."""
        example = None if self.example is None else self.example.to_object()
        return {**asdict(replace(self, example=None)), "example": example}


def job_from(payload: Mapping[str, Any]) -> Job:
    """Return the job that `to_object` wrote."""
    values = dict(payload)
    values["init"], values["call"] = signature_from(values["init"]), signature_from(values["call"])
    values["defines"], values["packages"] = tuple(values["defines"]), tuple(values["packages"])
    values["recipe"] = recipe_from(values["recipe"])
    values["example"] = None if values.get("example") is None else example_from(values["example"])
    return Job(**values)


def signature_from(value: Mapping[str, Any]) -> Signature:
    """Return the signature whose fields a JSON object holds."""
    arguments = value["arguments"]
    return Signature(None if arguments is None else tuple(map(_argument, arguments)), value["inherited_from"])


def _argument(value: Mapping[str, Any]) -> Argument:
    return Argument(**{**value, "classes": tuple(value["classes"])})
