"""What the index knows, as values: facts of one release, and the answers that a look-up gives."""

from __future__ import annotations

from dataclasses import dataclass, field

# Packages that count as installed, so that the real thing is there and not its placeholder; any other may be missing.
CORE = frozenset({"torch", "transformers", "accelerate", "safetensors", "numpy", "tokenizers"})


class ApiIndexError(Exception):
    """The index cannot answer: broken or missing data, an unknown version or library, or a nonsense request."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature; ``kind`` is one of ``positional``, ``keyword``, ``args`` and ``kwargs``."""

    name: str
    kind: str
    has_default: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of an ``__init__`` without ``self``, in order."""

    parameters: tuple[Parameter, ...]

    @property
    def has_args(self) -> bool:
        """Whether there is a ``*args``."""
        return any(parameter.kind == "args" for parameter in self.parameters)

    @property
    def has_kwargs(self) -> bool:
        """Whether there is a ``**kwargs``."""
        return any(parameter.kind == "kwargs" for parameter in self.parameters)

    @property
    def positional(self) -> tuple[Parameter, ...]:
        """The parameters that can be passed by position."""
        return tuple(parameter for parameter in self.parameters if parameter.kind == "positional")

    @property
    def required(self) -> tuple[str, ...]:
        """The names that a caller has to pass."""
        named = ("positional", "keyword")
        return tuple(p.name for p in self.parameters if p.kind in named and not p.has_default)


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class as its own body declares it, in the module that defines it.

    ``bases`` are dotted names, fully qualified where they could be resolved, ``?`` where not. ``init`` is ``None``
    when the class has no ``__init__`` of its own. ``optional_components`` is ``None`` when the class does not set
    ``_optional_components`` (or sets it to something that is not a literal). ``readonly`` are its own properties
    without a setter, and ``settable`` its own other class-level names that would lift an inherited one.
    """

    module: str
    name: str
    bases: tuple[str, ...]
    init: Signature | None
    optional_components: tuple[str, ...] | None
    readonly: tuple[str, ...]
    settable: tuple[str, ...] = ()

    @property
    def qualified(self) -> str:
        """The dotted name."""
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A run of indexed releases, both ends included; ``conditional`` where existence cannot be told."""

    first: str
    last: str
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Home:
    """A module that offers a name; ``defines``: is its origin; ``public``: no part of the path is private."""

    module: str
    defines: bool
    public: bool


@dataclass(frozen=True, slots=True)
class NameFact:
    """A name of a module: whether it is bound in every environment, and ``origin``.

    ``origin`` is ``class``, ``function``, ``variable``, ``module``, ``external``, or ``>module:name`` for something
    that another module of the library defines.
    """

    certain: bool
    origin: str


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """A module of one release.

    ``open`` holds ``*`` (it may have any name) or endings of names that it may make up; ``certain`` is false when its
    own imports look broken, so that importing it may fail.
    """

    names: dict[str, NameFact]
    classes: dict[str, str] = field(default_factory=dict)
    deprecated: dict[str, str] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    is_package: bool = False
    certain: bool = True


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """One release of a library.

    ``dummies`` maps a public name to the backends without which a placeholder stands in for it. ``shims`` are module
    names (``x``) or endings (``_x``) that the library serves at run time without a file.
    """

    library: str
    version: str
    modules: dict[str, ModuleFacts]
    dummies: dict[str, str]
    shims: tuple[str, ...] = ()
