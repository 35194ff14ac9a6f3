"""An author's recipe for the smoke-load of one file: what it runs against, what it is called with, what comes out.

The text form is TOML, in the file itself or in pyproject.toml: `pipeline_file.recipe` and `config` read it, and
`pipeline_file.recipe_table` says what may stand in it. What passes between the rooms is the record here, plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from cpipe_check.smoke.reference.families import FAMILIES

# The names of our references, which `reference` takes.
REFERENCES = frozenset(family.name for family in FAMILIES)
# The keys of a recipe that are tables.
TABLES = ("components", "call", "expect")
# A value of `[call]` that is a table with one of these as its only key stands for what `smoke.recipe_values` makes.
OMIT = "omit"
MAKERS = frozenset({"image", "mask", "images", "video", "tensor", "array", "generator", OMIT})


@dataclass(frozen=True, slots=True)
class ComponentRecipe:
    """A component: the name of a class of diffusers or transformers, and arguments for its configuration."""

    class_name: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the output must be: its class name, its number of images, its first array's shape; None or "" for any.

    A -1 in `shape` stands for any size.
    """

    type: str = ""
    images: int | None = None
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A valid recipe. Everything is empty where it says nothing.

    `packages` are requirements as pip takes them; `skip` is why the file is not run; `components` and `call` are keyed
    by the parameters of `__init__` and `__call__`. Values of `call` are JSON, value makers among them.
    """

    reference: str = ""
    packages: tuple[str, ...] = ()
    skip: str = ""
    components: Mapping[str, ComponentRecipe] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    expect: Expected = Expected()

    def to_object(self) -> dict[str, Any]:
        """Return the recipe as a JSON object."""
        return asdict(self)


class _Parameter(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...


def recipe_from(payload: Mapping[str, Any]) -> Recipe:
    """Return the recipe that `to_object` wrote."""
    values = dict(payload)
    expect = dict(values["expect"])
    shape = expect["shape"]
    expect["shape"] = None if shape is None else tuple(shape)
    components = {name: ComponentRecipe(**component) for name, component in values["components"].items()}
    values.update(packages=tuple(values["packages"]), components=components, expect=Expected(**expect))
    return Recipe(**values)


def recipe_of(table: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a TOML table holds; `recipe_table.problems` has nothing to say about it."""
    values = {key: _READERS[key](value) for key, value in table.items()}
    return Recipe(**values)


def over(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """Return one table from two: `upper` decides key by key, in `[components]`, `[call]` and `[expect]` as well."""
    both = {key: {**lower[key], **upper[key]} for key in TABLES if key in lower and key in upper}
    return {**lower, **upper, **both}


def maker_of(value: object) -> str | None:
    """Return which value maker a value of `[call]` is, None for one that stands for itself."""
    if isinstance(value, Mapping) and len(value) == 1:
        (key,) = value
        return key if key in MAKERS else None
    return None


def unknown_names(names: Iterable[str], parameters: Iterable[_Parameter]) -> list[str]:
    """Return those of `names` that a method with such parameters does not take by keyword."""
    taken = {p.name for p in parameters if p.kind not in ("*", "**")}
    return [] if any(p.kind == "**" for p in parameters) else [name for name in names if name not in taken]


def _component(value: str | Mapping[str, Any]) -> ComponentRecipe:
    if isinstance(value, str):
        return ComponentRecipe(value)
    return ComponentRecipe(value["class"], {key: item for key, item in value.items() if key != "class"})


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "reference": str,
    "packages": tuple,
    "skip": str,
    "components": lambda value: {name: _component(item) for name, item in value.items()},
    "call": dict,
    "expect": lambda value: Expected(
        value.get("type", ""), value.get("images"), tuple(value["shape"]) if "shape" in value else None
    ),
}
