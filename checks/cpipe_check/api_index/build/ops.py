"""What a module's top level does to its namespace, in order: a small language that outlives the syntax tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Bind:
    """Bind ``name``; ``kind`` is class, function, variable, module (``import x``) or name (``from x import y``)."""

    name: str
    kind: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Unbind:
    """Delete ``name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Star:
    """``from module import *``."""

    module: str


@dataclass(frozen=True, slots=True)
class Export:
    """Offer ``names`` lazily from the submodule ``key``; the module object that replaces this one serves them."""

    key: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportAll:
    """Offer every public name of ``module`` lazily (placeholders for a missing backend)."""

    module: str


@dataclass(frozen=True, slots=True)
class ExportTree:
    """Offer what all modules under the package's subfolder ``prefix`` declare in ``__all__``."""

    prefix: str


@dataclass(frozen=True, slots=True)
class Install:
    """Replace this module by a lazy one that has the exports and ``extra``, and none of the names bound so far."""

    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """From here on the module may have any name."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Raise."""


@dataclass(frozen=True, slots=True)
class Branch:
    """``if``: ``truth`` is ``None`` where the condition depends on the environment."""

    truth: bool | None
    body: tuple[Op, ...]
    orelse: tuple[Op, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """``try``; ``only_raise`` when nothing but a ``raise`` in the body itself can reach the handlers."""

    body: tuple[Op, ...]
    handlers: tuple[tuple[Op, ...], ...]
    orelse: tuple[Op, ...]
    final: tuple[Op, ...]
    only_raise: bool


Op: TypeAlias = Bind | Unbind | Star | Export | ExportAll | ExportTree | Install | Open | Leave | Branch | Attempt


@dataclass(frozen=True, slots=True)
class ClassText:
    """A class as written: bases as dotted text, ``__init__`` packed, and its class-level names.

    ``readonly`` are properties without a setter, ``settable`` all other names; ``backends`` make it a placeholder.
    """

    bases: tuple[str, ...]
    init: str | None
    optional: tuple[str, ...] | None
    readonly: tuple[str, ...]
    settable: tuple[str, ...]
    backends: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All that the linker needs of one file; depends on the text alone, so equal files share it."""

    ops: tuple[Op, ...]
    exports: tuple[str, ...] | None = None
    exports_literal: bool = True
    decorated: tuple[str, ...] = ()
    classes: dict[str, ClassText] = field(default_factory=dict)
    deprecated: dict[str, str] = field(default_factory=dict)
    shims: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    converters: tuple[str, ...] = ()
