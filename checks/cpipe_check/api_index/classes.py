"""Questions about classes: bases, signatures, properties."""

from __future__ import annotations

from collections.abc import Iterator

from cpipe_check.api_index.library import Library
from cpipe_check.api_index.model import CORE, ClassInfo, Parameter, Signature

_PIPELINE = "DiffusionPipeline"


class ClassLookup:
    """The classes of one library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def info(self, module: str, name: str, bit: int) -> ClassInfo | None:
        """Return the class as its own body declares it, or ``None``."""
        home = self._library.origin(module, name, bit)
        if home is None or "classes" not in self._library.tables:
            return None
        for text, mask in self._library.tables["classes"].cell(*home):
            if mask & bit:
                return _unpacked(*home, text)
        return None

    def ancestry(self, module: str, name: str, bit: int) -> tuple[ClassInfo, ...]:
        """Return the class and its indexed bases, nearest first."""
        found = list(self._walk(module, name, bit, 0))
        last = {info.qualified: index for index, info in enumerate(found)}
        return tuple(info for index, info in enumerate(found) if last[info.qualified] == index)

    def _walk(self, module: str, name: str, bit: int, depth: int) -> Iterator[ClassInfo]:
        info = self.info(module, name, bit)
        if info is None or depth > 20:
            return
        yield info
        for base in info.bases:
            home, _, inner = base.rpartition(".")
            if home.partition(".")[0] == self._library.name:
                yield from self._walk(home, inner, bit, depth + 1)

    def init_signature(self, module: str, name: str, bit: int) -> tuple[ClassInfo, Signature] | None:
        """Return the first ``__init__`` in the ancestry; ``None`` if a base that cannot be seen may come before it."""
        for info in self.ancestry(module, name, bit):
            if info.init is not None:
                return info, info.init
            if any(base == "?" for base in info.bases):
                return None
        return None

    def readonly(self, module: str, name: str, bit: int) -> frozenset[str]:
        """Return the read-only properties in effect."""
        found: set[str] = set()
        for info in reversed(self.ancestry(module, name, bit)):
            found -= set(info.settable)
            found |= set(info.readonly)
        return frozenset(found)

    def is_pipeline(self, module: str, name: str, bit: int) -> bool | None:
        """Tell whether the class is or inherits from ``DiffusionPipeline``."""
        yes, unknown = self._library.mask(module, name)
        if not yes & bit:
            return None if unknown & bit else False
        lineage = self.ancestry(module, name, bit)
        if any(info.name == _PIPELINE for info in lineage):
            placeholder = not set(self._library.dummy_backends(module, name, bit)) <= CORE
            return None if placeholder else True
        if lineage:
            unseen = any(base == "?" or base.startswith("diffusers.") for base in self._dangling(lineage))
            return None if unseen else False
        return False if self._library.kind(module, name, bit) in ("function", "module") else None

    def _dangling(self, lineage: tuple[ClassInfo, ...]) -> set[str]:
        seen = {info.qualified for info in lineage}
        return {base for info in lineage for base in info.bases if base not in seen}


def _unpacked(module: str, name: str, text: str) -> ClassInfo:
    bases, init, optional, readonly, settable = text.split("|")
    return ClassInfo(
        module,
        name,
        tuple(filter(None, bases.split(","))),
        None if init == "?" else _signature(init),
        None if optional == "?" else tuple(filter(None, optional.split(","))),
        tuple(filter(None, readonly.split(","))),
        tuple(filter(None, settable.split(","))),
    )


def _signature(text: str) -> Signature:
    found = []
    kind = "positional"
    for part in filter(None, text.split(",")):
        name = part.strip("*=")
        if part.startswith("**"):
            found.append(Parameter(name, "kwargs", True))
        elif part.startswith("*"):
            kind = "keyword"
            if name:
                found.append(Parameter(name, "args", True))
        else:
            found.append(Parameter(name, kind, part.endswith("=")))
    return Signature(tuple(found))
