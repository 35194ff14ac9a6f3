"""What the checker and the smoke-load's process tell each other. Plain JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from cpipe_check.example import Example, example_from


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter as the text has it: annotation and default are source code, None when there is none."""

    name: str
    kind: str
    annotation: str | None
    default: str | None

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

    `defines` are the classes that the file defines, `packages` the other packages that it imports, `example` is how its
    author calls it, None when no text shows that. `reference`
    is a directory, or "" for a tiny one; `device` is "auto" or a torch device; `dtype` "auto" or a torch dtype.
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
    example: Example | None = None

    def to_object(self) -> dict[str, Any]:
        """Return the job as a JSON object."""
        example = None if self.example is None else self.example.to_object()
        return {**asdict(replace(self, example=None)), "example": example}


def job_from(payload: Mapping[str, Any]) -> Job:
    """Return the job that `to_object` wrote."""
    values = dict(payload)
    values["init"], values["call"] = _signature(values["init"]), _signature(values["call"])
    values["defines"], values["packages"] = tuple(values["defines"]), tuple(values["packages"])
    values["example"] = None if values.get("example") is None else example_from(values["example"])
    return Job(**values)


def _signature(value: Mapping[str, Any]) -> Signature:
    arguments = value["arguments"]
    return Signature(None if arguments is None else tuple(Argument(**a) for a in arguments), value["inherited_from"])
