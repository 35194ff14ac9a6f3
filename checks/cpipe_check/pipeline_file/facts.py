"""The facts about a pipeline file: frozen records that the rules read. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import libcst as cst


class Truth(Enum):
    """An answer read off the text alone. `UNKNOWN` must never lead to an error."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A parameter of a function. `kind` is "positional", "keyword", "*" or "**"; texts are source code or None."""

    name: str
    kind: str
    annotation: str | None
    default: str | None
    node: cst.CSTNode

    @property
    def required(self) -> bool:
        """True when a caller has to pass it."""
        return self.default is None and self.kind in ("positional", "keyword")


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function or method. `parameters` leave out `self` for methods that are no static method."""

    name: str
    parameters: tuple[Parameter, ...]
    decorators: tuple[str, ...]
    node: cst.FunctionDef


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import binds: `module` itself when `name` is None, else `name` of `module`. `level` counts dots."""

    module: str
    name: str | None
    level: int = 0

    @property
    def root(self) -> str:
        """The top-level package, "" for a relative import."""
        return "" if self.level else self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class LocalClass:
    """A class defined in this file: its index in `Namespace.classes`."""

    index: int


class Special(Enum):
    """Values that are neither a class of this file nor an import."""

    UNBOUND = "unbound"
    NO_CLASS = "no class"
    UNKNOWN = "unknown"


Value = Imported | LocalClass | Special
Values = frozenset[Value]


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """One base of a class as written, and what the name may be bound to when the class is made."""

    text: str
    values: Values


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class that a module-level statement defines."""

    name: str
    bases: tuple[Base, ...]
    keywords: tuple[str, ...]
    decorators: tuple[str, ...]
    methods: Mapping[str, cst.FunctionDef]
    attributes: Mapping[str, cst.BaseExpression | None]
    node: cst.ClassDef


@dataclass(frozen=True, slots=True, eq=False)
class Import:
    """One name that an import statement asks for, wherever it stands.

    `guards` tell under what condition it runs, outermost first: "try" (a handler catches the ImportError), "except",
    "if", "else", "loop", "match", "never" (type checking, for one), "class", "function". `name` is None for
    `import module` and "*" for a star import.
    """

    imported: Imported
    bound_as: str
    guards: tuple[str, ...]
    node: cst.CSTNode


@dataclass(frozen=True, slots=True, eq=False)
class Namespace:
    """What the module's names are bound to once it has been imported.

    `dynamic` is True when code reaches into the namespace (`globals()`, `exec`, a star import from an unknown
    module), so that names may be bound which the text does not show. `known` tells, for names imported from
    diffusers or from a file beside this one, whether they are pipeline classes and whether the loader counts them.
    """

    names: Mapping[str, Values]
    classes: tuple[Class, ...]
    imports: tuple[Import, ...]
    dynamic: bool = False
    star_imports: tuple[Imported, ...] = ()
    known: Mapping[Imported, tuple[Truth, Truth]] = field(default_factory=dict)
