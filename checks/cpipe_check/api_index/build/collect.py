"""Gathers the facts of many releases into the tables of one library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cpipe_check.api_index.model import ModuleFacts, ReleaseFacts
from cpipe_check.api_index.table import KINDS, MODULE, OPEN, SHIMS, Table, encode, pack
from cpipe_check.api_index.versions import in_order

Cells: TypeAlias = "dict[tuple[str, str], dict[str, int]]"
# Files that nobody imports from, but by their path; a library with one table keeps only that they exist.
_PATH_ONLY = ("convert_", "modular_", "modeling_tf_", "modeling_flax_")
_SHORT = {"class": "c", "function": "f", "variable": "v"}


@dataclass(slots=True)
class Collector:
    """The tables of one library under construction; ``versions`` is fixed first, then each release is added once.

    Of a library that has the table of names alone, those that a plain module merely imports are not kept one by one
    but as one set of "loose" names: a look-up then cannot tell, instead of claiming absence.
    """

    library: str
    versions: tuple[str, ...]
    tables: dict[str, Cells] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start with empty tables."""
        for kind in KINDS[self.library]:
            self.tables.setdefault(kind, {})

    @property
    def slim(self) -> bool:
        """Whether the library has the table of names alone."""
        return len(self.tables) == 1

    def add(self, facts: ReleaseFacts) -> None:
        """Add a release, in place of what was known of it."""
        bit = 1 << self.versions.index(facts.version)
        for module, known in facts.modules.items():
            self.put("names", module, MODULE, "y" if known.certain else "m", bit)
            path_only = self.slim and module.rpartition(".")[2].startswith(_PATH_ONLY)
            if known.open or path_only:
                anything = path_only or OPEN in known.open
                self.put("names", module, OPEN, OPEN if anything else "|".join(sorted(known.open)), bit)
            if path_only:
                continue
            self._add_names(facts, module, known, bit)
            for name, text in known.classes.items():
                self.put("classes", module, name, text, bit)
            for name, release in known.deprecated.items():
                self.put("origins", module, "!" + name, release, bit)
        for name, backends in facts.dummies.items():
            self.put("origins", "", name, backends, bit)
        if facts.shims:
            self.put("names", "", SHIMS, "|".join(facts.shims), bit)

    def _add_names(self, facts: ReleaseFacts, module: str, known: ModuleFacts, bit: int) -> None:
        for name, fact in known.names.items():
            if fact.certain and fact.origin == "module" and f"{module}.{name}" in facts.modules:
                continue
            imported = fact.origin in ("module", "external") or fact.origin.startswith(">")
            if self.slim and imported and not known.is_package:
                self.loose.add(name)
                continue
            self.put("names", module, name, "y" if fact.certain else "m", bit)
            origin = _SHORT.get(fact.origin) or _short_alias(fact.origin, name)
            if origin:
                self.put("origins", module, name, origin, bit)

    def put(self, kind: str, module: str, name: str, value: str, bit: int) -> None:
        """Note that a name has a value on the releases of ``bit`` (a mask)."""
        if kind not in self.tables:
            return
        cell = self.tables[kind].setdefault((module, name), {})
        cell[value] = cell.get(value, 0) | bit

    def packed(self) -> dict[str, bytes]:
        """Return file name -> content."""
        return {f"{self.library}-{kind}.xz": pack(self._content(kind)) for kind in self.tables}

    def as_tables(self) -> dict[str, Table]:
        """Return the finished tables by kind."""
        return {kind: Table(self._content(kind), f"the table of {kind}") for kind in self.tables}

    def _content(self, kind: str) -> dict[str, Any]:
        return encode(self.versions, self.tables[kind], self.loose if kind == "names" else ())


def _short_alias(origin: str, name: str) -> str:
    module, _, inner = origin.removeprefix(">").partition(":")
    if not origin.startswith(">"):
        return ""
    return f">{module}" if inner == name else f">{module}:{inner}"


def reopened(library: str, tables: Mapping[str, Table], fresh: Iterable[str]) -> Collector:
    """Return a collector with what ``tables`` have and room for the ``fresh`` releases, whose old facts are dropped."""
    fresh = set(fresh)
    old = tables["names"].versions if tables else ()
    versions = in_order([*old, *fresh])
    collector = Collector(library, versions)
    moved = [(index, versions.index(version)) for index, version in enumerate(old) if version not in fresh]
    remapped: dict[int, int] = {}
    for kind, table in tables.items():
        collector.loose |= table.loose
        for module, name, cell in table.rows():
            for value, mask in cell:
                if mask not in remapped:
                    remapped[mask] = sum(1 << new for index, new in moved if mask >> index & 1)
                if remapped[mask]:
                    collector.put(kind, module, name, value, remapped[mask])
    return collector
