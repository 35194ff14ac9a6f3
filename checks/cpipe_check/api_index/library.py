"""One library of the index: masks, origins, placeholders and deprecations from its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from cpipe_check.api_index.model import ApiIndexError
from cpipe_check.api_index.table import KINDS, MODULE, OPEN, SHIMS, Cell, Table, unpack
from cpipe_check.api_index.versions import nearest, same

_KINDS = {"c": "class", "f": "function", "v": "variable"}
# Attributes that any module object has, whatever its text.
_EVERY_MODULE = frozenset({"__name__", "__doc__", "__file__", "__spec__", "__loader__", "__package__", "__dict__"})


class StoredTables(Mapping[str, Table]):
    """The table files of one library in a folder, each read when it is first asked for."""

    def __init__(self, library: str, folder: Path) -> None:
        self._library = library
        self._folder = folder
        self._read: dict[str, Table] = {}

    def __getitem__(self, kind: str) -> Table:
        if kind not in KINDS[self._library]:
            raise KeyError(kind)
        if kind not in self._read:
            file = self._folder / f"{self._library}-{kind}.xz"
            try:
                data = file.read_bytes()
            except OSError as error:
                raise ApiIndexError(f"{file} cannot be read: {error.strerror or error}") from error
            self._read[kind] = unpack(data, str(file))
        return self._read[kind]

    @property
    def exists(self) -> bool:
        """Whether the folder has any data of the library."""
        return any(self._folder.glob(f"{self._library}-*.xz"))

    def __contains__(self, kind: object) -> bool:
        return kind in KINDS[self._library]

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS[self._library])

    def __len__(self) -> int:
        return len(KINDS[self._library])


class Library:
    """Answers in masks: an integer with bit *i* for the release ``versions[i]``."""

    def __init__(self, name: str, tables: Mapping[str, Table]) -> None:
        self.name = name
        self.tables = tables
        self._masks: dict[tuple[str, str | None], tuple[int, int]] = {}

    @staticmethod
    def stored(name: str, folder: Path) -> Library:
        """Return the library whose tables lie in ``folder``; nothing is read yet."""
        return Library(name, StoredTables(name, folder))

    @property
    def versions(self) -> tuple[str, ...]:
        """The indexed releases, old to new."""
        return self.tables["names"].versions

    def bit(self, version: str) -> int:
        """Return the mask of one release; raises `ApiIndexError` when it is not indexed."""
        known = same(version, self.versions)
        if known is None:
            near, newest = nearest(version, self.versions), self.versions[-1]
            raise ApiIndexError(f"{self.name} {version} is not indexed; the nearest is {near}, the newest {newest}")
        return 1 << self.versions.index(known)

    def mask(self, module: str, name: str | None) -> tuple[int, int]:
        """Return where it exists, and where that cannot be told."""
        key = (module, name)
        if key not in self._masks:
            yes, unknown = self._module_mask(module) if name is None else self._name_mask(module, name)
            self._masks[key] = yes, unknown & ~yes
        return self._masks[key]

    def _module_mask(self, module: str) -> tuple[int, int]:
        cell = self.tables["names"].cell(module, MODULE)
        yes, unknown = _where(cell, "y"), _where(cell, "m") | self._served(module)
        parent = module.rpartition(".")[0]
        if parent and yes | unknown:
            above, perhaps = self.mask(parent, None)
            unknown = (unknown & (above | perhaps)) | (yes & perhaps)
            yes &= above
        return yes, unknown

    def _served(self, module: str) -> int:
        last = module.rpartition(".")[2]
        found = 0
        for patterns, mask in self.tables["names"].cell("", SHIMS):
            if any(last == part or (part.startswith("_") and last.endswith(part)) for part in patterns.split("|")):
                found |= mask
        return found

    def _name_mask(self, module: str, name: str) -> tuple[int, int]:
        names = self.tables["names"]
        present, perhaps = self.mask(module, None)
        submodule, served = self.mask(f"{module}.{name}", None)
        if name in _EVERY_MODULE:
            return present, perhaps
        cell = names.cell(module, name) if name not in (MODULE, OPEN) else ()
        unknown = perhaps | served | _where(cell, "m")
        for endings, mask in names.cell(module, OPEN):
            if endings == OPEN or name.endswith(tuple(endings.split("|"))):
                unknown |= mask
        if name.startswith("__") and name.endswith("__"):
            unknown |= present
        elif name in names.loose:
            unknown |= present & ~self._package_mask(module)
        return (_where(cell, "y") & present) | submodule, unknown | (_where(cell, "y") & perhaps)

    def origin(self, module: str, name: str, bit: int) -> tuple[str, str] | None:
        """Return the defining module and name on one release; ``None`` when not defined in this library."""
        if "origins" not in self.tables:
            here = self.mask(module, name)[0] & bit and not self.is_package(module)
            return (module, name) if here else None
        value = self._origin_value(module, name, bit)
        if value.startswith(">"):
            home, _, inner = value[1:].partition(":")
            return home, inner or name
        return (module, name) if value else None

    def kind(self, module: str, name: str, bit: int) -> str | None:
        """Return class, function, variable or module; ``None`` when unknown."""
        home = self.origin(module, name, bit)
        if home is None:
            return "module" if self.mask(f"{module}.{name}", None)[0] & bit else None
        if "origins" not in self.tables:
            return None
        return _KINDS.get(self._origin_value(*home, bit))

    def dummy_backends(self, module: str, name: str, bit: int) -> tuple[str, ...]:
        """Return the backends of the placeholder for a name of a package."""
        if "origins" not in self.tables or not self.is_package(module) or module.endswith(".utils"):
            return ()
        backends = _at(self.tables["origins"].cell("", name), bit)
        return tuple(backends.split(",")) if backends else ()

    def deprecation(self, module: str, name: str | None, bit: int) -> str | None:
        """Return the announced removal of a name or module."""
        if "origins" not in self.tables:
            return None
        origins = self.tables["origins"]
        if name is None:
            return _at(origins.cell(module, "!"), bit)
        home = self.origin(module, name, bit)
        own = None if home is None else _at(origins.cell(home[0], "!" + home[1]), bit)
        return own or _at(origins.cell(module, "!"), bit)

    def is_package(self, module: str) -> bool:
        """Tell whether any release has modules below it."""
        return module in self._children

    def _package_mask(self, module: str) -> int:
        mask = 0
        for child in self._children.get(module, ()):
            mask |= self.mask(child, None)[0]
        return mask

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for module in self.tables["names"].modules:
            children.setdefault(module.rpartition(".")[0], []).append(module)
        return children

    def _origin_value(self, module: str, name: str, bit: int) -> str:
        return _at(self.tables["origins"].cell(module, name), bit) or ""


def _where(cell: Cell, value: str) -> int:
    return next((mask for known, mask in cell if known == value), 0)


def _at(cell: Cell, bit: int) -> str | None:
    return next((value for value, mask in cell if mask & bit), None)
