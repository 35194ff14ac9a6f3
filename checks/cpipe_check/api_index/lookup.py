"""The look-up: which names the indexed releases of diffusers and transformers have.

What is in the index was read from the text of the released wheels; torch, transformers, accelerate and the like count
as installed, any other optional backend as perhaps installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path

from cpipe_check.api_index.classes import ClassLookup
from cpipe_check.api_index.homes import clear_home, ranked_homes
from cpipe_check.api_index.library import Library, StoredTables
from cpipe_check.api_index.model import ApiIndexError, ClassInfo, Home, Signature, VersionRange
from cpipe_check.api_index.table import KINDS, runs
from cpipe_check.api_index.versions import nearest

SOURCE = "source"
_DATA = Path(__file__).with_name("data")


class ApiIndex:
    """Every answer about diffusers and transformers; a library is one of these two names.

    A module is a dotted path whose first part names its library. With ``name=None`` a question is about the module
    itself. Methods that take a version raise `ApiIndexError` for one that is not indexed (see `nearest`).
    """

    def __init__(self, libraries: Mapping[str, Library]) -> None:
        self._libraries = dict(libraries)

    @staticmethod
    def from_source(path: Path | str, cache: Path | None = None) -> ApiIndex:
        """Index a diffusers checkout as the single version ``source``; transformers stays as shipped.

        With a folder ``cache``, an unchanged checkout is not read again (a full one takes seconds). Raises
        `ApiIndexError` when ``path`` holds no diffusers tree.
        """
        from cpipe_check.api_index.build.builder import source_collector

        tables = source_collector(Path(path), SOURCE, cache).as_tables()
        return ApiIndex({**load()._libraries, "diffusers": Library("diffusers", tables)})

    @property
    def libraries(self) -> tuple[str, ...]:
        """The libraries that are indexed."""
        return tuple(self._libraries)

    def versions(self, library: str) -> tuple[str, ...]:
        """Return the indexed releases of a library, old to new; raises `ApiIndexError` for an unknown one."""
        return self._library(library).versions

    def nearest(self, library: str, version: str) -> str:
        """Return the indexed release that stands for ``version`` (the same minor where there is one)."""
        return nearest(version, self.versions(library))

    def mask(self, module: str, name: str | None = None) -> tuple[int, int]:
        """Return two disjoint sets of releases: where it exists, and where that cannot be told.

        A set is an integer with bit *i* for ``versions(library)[i]``. A root that is not indexed gives ``(0, -1)``.
        """
        library = self._libraries.get(module.partition(".")[0])
        if library is None:
            return 0, -1
        yes, unknown = library.mask(module, name)
        if unknown and module == "transformers" and name is not None and name.endswith("TokenizerFast"):
            # transformers 5 makes these up from the tokenizer of the shorter name (`_LazyModule.__getattr__`).
            made_up = unknown & library.mask(module, name.removesuffix("Fast"))[0]
            yes, unknown = yes | made_up, unknown & ~made_up
        return yes, unknown

    def exists(self, module: str, name: str | None, version: str) -> bool | None:
        """Tell whether ``from module import name`` (or ``import module``) resolves; ``None``: cannot tell."""
        if module.partition(".")[0] not in self._libraries:
            return None
        bit = self._bit(module, version)
        yes, unknown = self.mask(module, name)
        return True if yes & bit else None if unknown & bit else False

    def ranges(self, module: str, name: str | None = None) -> tuple[VersionRange, ...]:
        """Return the runs of releases on which it exists, or may exist (``conditional``), from old to new."""
        library = self._libraries.get(module.partition(".")[0])
        if library is None:
            return ()
        yes, unknown = library.mask(module, name)
        found = [(*run, False) for run in runs(yes)] + [(*run, True) for run in runs(unknown)]
        versions = library.versions
        return tuple(VersionRange(versions[first], versions[last], maybe) for first, last, maybe in sorted(found))

    def new_homes(self, module: str, name: str | None, version: str) -> tuple[Home, ...]:
        """Return where ``name`` of ``module`` can be imported from on a release, best first.

        The module that defines it comes before the packages above it that re-export it, and among several that define
        one of that name (there are many ``retrieve_timesteps``) those whose path resembles ``module`` come first.
        With ``name=None``: the modules that have the same last path part. Modules that merely import the name are
        left out.
        """
        return ranked_homes(self._of(module), module, name, self._bit(module, version))

    def new_home(self, module: str, name: str | None, version: str) -> str | None:
        """Return the one module that now has the name, or ``None`` when there is none or the choice is not clear.

        Clear means that one module alone defines the name (others may re-export it), and that it is a class or there is
        a trace of the move; a rewrite of the import is safe then.
        """
        return clear_home(self._of(module), module, name, self._bit(module, version))

    def origin(self, module: str, name: str, version: str) -> tuple[str, str] | None:
        """Return the module and name that define it, through all re-exports; ``None`` if not in the library."""
        return self._of(module).origin(module, name, self._bit(module, version))

    def kind(self, module: str, name: str, version: str) -> str | None:
        """Return ``class``, ``function``, ``variable`` or ``module``; ``None`` when unknown or from another library."""
        return self._of(module).kind(module, name, self._bit(module, version))

    def dummy_backends(self, module: str, name: str, version: str) -> tuple[str, ...]:
        """Return the backends without which a placeholder stands in for a public name; ``()`` for none."""
        return self._of(module).dummy_backends(module, name, self._bit(module, version))

    def deprecation(self, module: str, name: str | None, version: str) -> str | None:
        """Return the release that is announced to drop the name (``None``: the module), or ``None``."""
        return self._of(module).deprecation(module, name, self._bit(module, version))

    def class_info(self, module: str, name: str, version: str) -> ClassInfo | None:
        """Return what a diffusers class declares itself, through re-exports; ``None`` for anything else."""
        return self._classes(module).info(module, name, self._bit(module, version))

    def ancestry(self, module: str, name: str, version: str) -> tuple[ClassInfo, ...]:
        """Return the class and its bases inside diffusers, depth first, doubles at their last place."""
        return self._classes(module).ancestry(module, name, self._bit(module, version))

    def init_signature(self, module: str, name: str, version: str) -> tuple[ClassInfo, Signature] | None:
        """Return the ``__init__`` in effect and the class that has it; ``None`` when no indexed base has one."""
        return self._classes(module).init_signature(module, name, self._bit(module, version))

    def readonly_properties(self, module: str, name: str, version: str) -> frozenset[str]:
        """Return the properties without a setter that an instance has, own and inherited."""
        return self._classes(module).readonly(module, name, self._bit(module, version))

    def optional_components(self, module: str, name: str, version: str) -> tuple[str, ...] | None:
        """Return the ``_optional_components`` in effect; ``None`` when no indexed base sets them."""
        lineage = self.ancestry(module, name, version)
        return next((info.optional_components for info in lineage if info.optional_components is not None), None)

    def is_subclass_of_pipeline(self, module: str, name: str, version: str) -> bool | None:
        """Tell whether it is or inherits from ``DiffusionPipeline``; ``None``: cannot tell (see `dummy_backends`)."""
        if module.partition(".")[0] != "diffusers":
            return None
        return self._classes(module).is_pipeline(module, name, self._bit(module, version))

    def _library(self, name: str) -> Library:
        if name not in self._libraries:
            raise ApiIndexError(f"unknown library {name!r}; indexed are {', '.join(self._libraries)}")
        return self._libraries[name]

    def _of(self, module: str) -> Library:
        return self._library(module.partition(".")[0])

    def _bit(self, module: str, version: str) -> int:
        return self._of(module).bit(version)

    @cached_property
    def _class_lookups(self) -> dict[str, ClassLookup]:
        return {name: ClassLookup(library) for name, library in self._libraries.items()}

    def _classes(self, module: str) -> ClassLookup:
        self._of(module)
        return self._class_lookups[module.partition(".")[0]]


@lru_cache(maxsize=4)
def load(data: Path | None = None) -> ApiIndex:
    """Return the shipped index, or the one in the folder ``data``.

    The names of a library are read when they are first asked for, the rest later still. Raises `ApiIndexError` when the
    folder holds no index; broken files raise it when they are read.
    """
    if data is None:
        return ApiIndex({name: Library.stored(name, _DATA) for name in KINDS})
    found = [name for name in KINDS if StoredTables(name, data).exists]
    if not found:
        raise ApiIndexError(f"{data} holds no index data (*-names.xz)")
    return ApiIndex({name: Library.stored(name, data) for name in found})
