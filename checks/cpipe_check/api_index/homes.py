"""Where a name lives now: candidates for a rewritten import, best first."""

from __future__ import annotations

from cpipe_check.api_index.library import Library
from cpipe_check.api_index.model import Home


def ranked_homes(library: Library, module: str, name: str | None, bit: int) -> tuple[Home, ...]:
    """Return the modules that have ``name`` on a release, or for ``None`` the modules called like ``module``."""
    return _named_alike(library, module, bit) if name is None else _holding(library, module, name, bit)


def clear_home(library: Library, module: str, name: str | None, bit: int) -> str | None:
    """Return the one module that now has what ``module`` had under ``name``, or ``None`` where that is not certain.

    One module alone defines that name (or one alone in a file called as before), it is a thing of the same kind, and it
    is a class or there is a trace of the move: the old place re-exported it from there, announced its removal, or was a
    file of the same name.
    """
    defining = [home.module for home in ranked_homes(library, module, name, bit) if home.defines]
    called_alike = [home for home in defining if home.rpartition(".")[2] == module.rpartition(".")[2]]
    if len(defining) > 1 and not library.mask(module, None)[0] & bit:
        defining = called_alike
    if len(defining) != 1:
        return None
    return defining[0] if name is None or _traced(library, module, name, defining[0], bit) else None


def _traced(library: Library, module: str, name: str, new: str, bit: int) -> bool:
    kind = library.kind(new, name, bit)
    last = 1 << library.mask(module, name)[0].bit_length() >> 1
    if not last or "origins" not in library.tables:
        return kind == "class" and not last
    if library.kind(module, name, last) != kind:
        return False
    moved = library.origin(module, name, last) == (new, name) or library.deprecation(module, name, last) is not None
    return kind == "class" or moved or module.rpartition(".")[2] == new.rpartition(".")[2]


def _holding(library: Library, module: str, name: str, bit: int) -> tuple[Home, ...]:
    names = library.tables["names"]
    found = []
    for holder in names.holders(name):
        if not library.mask(holder, name)[0] & bit or ".dummy_" in holder:
            continue
        origin = library.origin(holder, name, bit)
        defines = origin == (holder, name)
        exports = library.is_package(holder) and (origin is None or origin[0].startswith(holder + "."))
        if defines or exports:
            found.append(Home(holder, defines, _is_public(holder)))
    return tuple(sorted(found, key=lambda home: _order(home, module)))


def _named_alike(library: Library, module: str, bit: int) -> tuple[Home, ...]:
    last = module.rpartition(".")[2]
    found = [
        Home(other, True, _is_public(other))
        for other in library.tables["names"].modules
        if other.endswith("." + last) and library.mask(other, None)[0] & bit
    ]
    return tuple(sorted(found, key=lambda home: _order(home, module)))


def _is_public(module: str) -> bool:
    return not any(part.startswith("_") for part in module.split("."))


def _order(home: Home, module: str) -> tuple[bool, bool, int, int, str]:
    wanted, parts = module.split("."), home.module.split(".")
    alike = len(set(wanted) & set(parts)) + 2 * (wanted[-1] == parts[-1])
    return (not home.public, not home.defines, -alike, len(parts), home.module)
