"""From the summaries of all files of a release to its facts: who has which names, and where they come from."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cpipe_check.api_index.build.flow import Entry, Flow, StarNames, State, World
from cpipe_check.api_index.build.ops import Bind, ClassText, Summary
from cpipe_check.api_index.model import ModuleFacts, NameFact, ReleaseFacts

_SKIPPED_BY_TREE = ("convert_", "modular_")


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a release: dotted module path, whether it is a package's ``__init__``, and its summary.

    ``summary`` is ``None`` for a folder without an ``__init__``.
    """

    module: str
    is_package: bool
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class Namespace:
    """The names of one module at run time."""

    names: dict[str, Entry]
    open: frozenset[str]
    lazy: bool = False


class Linker:
    """Resolves one release."""

    def __init__(self, library: str, version: str, sources: Mapping[str, Source]) -> None:
        self._library = library
        self._version = version
        self._sources = sources
        self._spaces: dict[str, Namespace] = {}
        self._busy: set[str] = set()
        self._children: dict[str, list[str]] = {}
        for module in sources:
            parent, _, name = module.rpartition(".")
            self._children.setdefault(parent, []).append(name)
        summaries = [source.summary for source in sources.values() if source.summary is not None]
        self._fallbacks = frozenset(name for summary in summaries for name in summary.fallbacks)
        self._converters = [name for summary in summaries for name in summary.converters]
        self._fixed = {n for summary in summaries for text in summary.classes.values() for n in text.readonly}
        self._shims = tuple(sorted({name for summary in summaries for name in summary.shims}))

    def facts(self) -> ReleaseFacts:
        """Return everything about the release."""
        return ReleaseFacts(
            self._library,
            self._version,
            {module: self._module_facts(source) for module, source in self._sources.items()},
            self._dummies(),
            self._shims,
        )

    def space(self, module: str) -> Namespace:
        """Return the names of a module of the release; a module that is being resolved right now counts as open."""
        if module in self._spaces:
            return self._spaces[module]
        if module in self._busy:
            return Namespace({}, frozenset("*"))
        self._busy.add(module)
        space = self._resolve(self._sources[module])
        self._busy.discard(module)
        self._spaces[module] = space
        return space

    def origin(self, module: str, name: str, depth: int = 0) -> str:
        """Return where a name is defined, in the words of `NameFact.origin`, but always with its module."""
        if f"{module}.{name}" in self._sources:
            inner = None if module not in self._sources else self.space(module).names.get(name)
            if inner is None or inner.kind == "module":
                return "module"
        if module not in self._sources or depth > 20:
            return "external"
        entry = self.space(module).names.get(name)
        if entry is None:
            return "external"
        return self._origin_of(entry, module, name, depth)

    def _origin_of(self, entry: Entry, module: str, name: str, depth: int = 0) -> str:
        if entry.kind == "module":
            return "module" if entry.ref in self._sources else "external"
        if entry.kind != "name":
            return f"{entry.kind}>{module}:{name}"
        target, _, inner = entry.ref.partition(":")
        if target == module and inner == name:
            return "external"
        return self.origin(target, inner, depth + 1)

    def _resolve(self, source: Source) -> Namespace:
        children = {
            name: Entry(True, "module", f"{source.module}.{name}") for name in self._children.get(source.module, [])
        }
        if source.summary is None:
            return Namespace(children, frozenset())
        world = World(
            absolute=lambda ref: self._absolute(source, ref),
            star=self._star,
            tree=lambda prefix: self._tree(source.module, prefix),
        )
        state = Flow(world).run(source.summary.ops, State())
        names = state.lazy if state.installed else state.names
        found = frozenset("*") if state.open else frozenset()
        if state.installed:
            names, found = self._with_fallbacks(source.module, names, found)
        return Namespace({**children, **names}, found, state.installed)

    def _with_fallbacks(
        self, module: str, names: dict[str, Entry], found: frozenset[str]
    ) -> tuple[dict[str, Entry], frozenset[str]]:
        if not self._fallbacks:
            return names, found
        if "." in module:
            return names, found | self._fallbacks
        made_up = {name + "Fast" for name in names if name.endswith(("Tokenizer", "ImageProcessor"))}
        made_up |= {alias for name in self._converters for alias in (name, name + "Fast")}
        extra = {name: Entry(False, "variable", "") for name in made_up if name not in names}
        return {**extra, **names}, found

    def _absolute(self, source: Source, ref: str) -> str:
        module, colon, name = ref.partition(":")
        level = len(module) - len(module.lstrip("."))
        if level:
            parts = source.module.split(".")
            keep = len(parts) - level + (1 if source.is_package else 0)
            module = ".".join([*parts[:keep], *filter(None, [module[level:]])])
        return module + colon + name

    def _star(self, module: str) -> StarNames:
        source = self._sources.get(module)
        if source is None:
            return StarNames({}, False)
        space = self.space(module)
        summary = source.summary
        chosen = space.names
        if summary is not None and not space.lazy:
            if summary.exports is not None:
                chosen = {name: entry for name, entry in chosen.items() if name in summary.exports}
            elif summary.exports_literal:
                chosen = {name: entry for name, entry in chosen.items() if not name.startswith("_")}
        certain = summary is None or summary.exports_literal
        moved = {
            name: Entry(entry.certain and certain, "name", f"{module}:{name}")
            for name, entry in chosen.items()
            if entry.kind != "module" or entry.ref != f"{module}.{name}"
        }
        return StarNames(moved, certain and not space.open)

    def _tree(self, package: str, prefix: str) -> dict[str, Entry]:
        start = ".".join([package, *filter(None, [prefix.replace("/", ".")])]) + "."
        found: dict[str, Entry] = {}
        for module, source in self._sources.items():
            if not module.startswith(start) or source.is_package or source.summary is None:
                continue
            if not module.rpartition(".")[2].startswith(_SKIPPED_BY_TREE):
                for name in (*(source.summary.exports or ()), *source.summary.decorated):
                    found[name] = Entry(True, "name", f"{module}:{name}")
        return found

    def _module_facts(self, source: Source) -> ModuleFacts:
        space = self.space(source.module)
        certain = not any(self._lacks(source.module, entry) for entry in space.names.values()) or space.lazy
        names = {}
        for name, entry in space.names.items():
            kept = self._confirmed(source.module, entry) if space.lazy else entry
            if kept is not None:
                names[name] = NameFact(kept.certain and certain, self._described(source.module, name, kept))
        summary = source.summary
        classes = {} if summary is None else {n: self._class(source, n, text) for n, text in summary.classes.items()}
        deprecated = {} if summary is None else dict(summary.deprecated)
        return ModuleFacts(names, classes, deprecated, space.open, source.is_package, certain)

    def _confirmed(self, module: str, entry: Entry) -> Entry | None:
        """Drop a lazy export that its module does not have; the library would fail to serve it."""
        if not self._lacks(module, entry):
            return entry
        return replace(entry, certain=False) if self._fallbacks else None

    def _lacks(self, module: str, entry: Entry) -> bool:
        """Tell whether an entry certainly imports from inside the library what is not there."""
        target, _, name = entry.ref.partition(":")
        if entry.kind != "name" or target == module or not entry.certain or name.startswith("__"):
            return False
        if target not in self._sources:
            return target.partition(".")[0] == self._library and not self._shims
        space = self.space(target)
        return name not in space.names and not space.open

    def _described(self, module: str, name: str, entry: Entry) -> str:
        origin = self._origin_of(entry, module, name)
        kind, _, home = origin.partition(">")
        if not home or home == f"{module}:{name}":
            return kind
        return ">" + home

    def _class(self, source: Source, name: str, text: ClassText) -> str:
        bases = [self._qualified(source, name, base) for base in text.bases]
        optional = "?" if text.optional is None else ",".join(text.optional)
        init = "?" if text.init is None else text.init
        settable = [inner for inner in text.settable if inner in self._fixed]
        return "|".join([",".join(bases), init, optional, ",".join(text.readonly), ",".join(settable)])

    def _qualified(self, source: Source, owner: str, dotted: str) -> str:
        head, _, rest = dotted.partition(".")
        entry = self.space(source.module).names.get(head)
        if dotted == owner:
            entry = self._shadowed(source, owner)
        if dotted == "?":
            return "?"
        if entry is None:
            return dotted if hasattr(builtins, dotted) else "?"
        if entry.kind in ("name", "module"):
            ref = entry.ref if not rest else f"{entry.ref.replace(':', '.')}.{rest}"
            target, _, name = ref.partition(":") if ":" in ref else ref.rpartition(".")
        else:
            target, name = source.module, dotted
        home = self.origin(target, name).partition(">")[2] if target in self._sources else ""
        return (home or f"{target}:{name}").replace(":", ".")

    def _shadowed(self, source: Source, name: str) -> Entry | None:
        """Return the import that a class of the same name inherits from and hides (a deprecated shim)."""
        ops = source.summary.ops if source.summary is not None else ()
        for op in ops:
            if isinstance(op, Bind) and op.name == name and op.kind == "name":
                return Entry(True, "name", self._absolute(source, op.ref))
        return None

    def _dummies(self) -> dict[str, str]:
        found: dict[str, set[str]] = {}
        for module, source in self._sources.items():
            if source.summary is None or not module.rpartition(".")[2].startswith("dummy_"):
                continue
            for name, text in source.summary.classes.items():
                found.setdefault(name, set()).update(text.backends or ())
        return {name: ",".join(sorted(backends)) for name, backends in found.items() if backends}
