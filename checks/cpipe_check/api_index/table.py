"""Tables: for each module and name, which values it has on which releases; and their packed form.

Packed, a table is xz-compressed JSON: the releases in order, the distinct sets of releases as index intervals, the
distinct values, the distinct states (value and set pairs), and per module its names and the state number of each. A
set of releases is an integer with bit *i* for ``versions[i]``.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from cpipe_check.api_index.model import ApiIndexError

FORMAT = 1
# The tables that each library has. The modules of transformers are too many to say more than which names they have.
KINDS = {"diffusers": ("names", "origins", "classes"), "transformers": ("names",)}
MODULE = "."
OPEN = "*"
SHIMS = "shims"

Cell: TypeAlias = tuple[tuple[str, int], ...]
_Packed: TypeAlias = "dict[str, tuple[str, list[int]]]"


class Table:
    """A read-only table over its content (see `encode`), where ``where`` names it in errors.

    ``loose`` are names that some modules may have beside their own. Rows, states and sets of releases are taken apart
    when they are first asked for.
    """

    def __init__(self, content: dict[str, Any], where: str) -> None:
        self.versions: tuple[str, ...] = tuple(content["versions"])
        self.loose: frozenset[str] = frozenset(content["loose"].split())
        self._where = where
        self._values: list[str] = content["values"]
        self._patterns: list[str] = content["patterns"]
        self._states: list[str] = content["states"]
        self._packed: _Packed = content["modules"]
        self._cells: dict[int, Cell] = {}
        self._rows: dict[str, dict[str, int]] = {}

    @property
    def modules(self) -> Iterable[str]:
        """All modules that any release has."""
        return self._packed.keys()

    def cell(self, module: str, name: str) -> Cell:
        """Return the (value, releases) pairs of a name; empty when no release has it."""
        state = self._row(module).get(name)
        return () if state is None else self._cell(state)

    def names(self, module: str) -> Iterable[str]:
        """Return all names that any release of the module has, with the pseudo-names."""
        return self._row(module).keys()

    def holders(self, name: str) -> Iterator[str]:
        """Yield the modules that have ``name`` on any release."""
        needle = f" {name} "
        for module, (names, _) in self._packed.items():
            if needle in f" {names} ":
                yield module

    def rows(self) -> Iterator[tuple[str, str, Cell]]:
        """Yield everything."""
        for module in self._packed:
            for name, state in self._row(module).items():
                yield module, name, self._cell(state)

    def _row(self, module: str) -> dict[str, int]:
        row = self._rows.get(module)
        if row is None:
            with _reported(self._where):
                names, states = self._packed.get(module, ("", []))
                row = self._rows[module] = dict(zip(names.split(" "), states, strict=True)) if names else {}
        return row

    def _cell(self, state: int) -> Cell:
        cell = self._cells.get(state)
        if cell is None:
            with _reported(self._where):
                pairs = (part.partition(":") for part in self._states[state].split(" "))
                cell = tuple((self._values[int(value)], _mask(self._patterns[int(mask)])) for value, _, mask in pairs)
            self._cells[state] = cell
        return cell


@contextmanager
def _reported(where: str) -> Iterator[None]:
    try:
        yield
    except (lzma.LZMAError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ApiIndexError(f"{where} is broken: {type(error).__name__}: {error}") from error


def encode(
    versions: tuple[str, ...], cells: Mapping[tuple[str, str], Mapping[str, int]], loose: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the content of a table from (module, name) -> value -> releases; for ``loose`` see `Table.loose`."""
    patterns: dict[int, int] = {}
    values: dict[str, int] = {}
    states: dict[str, int] = {}
    modules: dict[str, tuple[list[str], list[int]]] = {}
    for module, name in sorted(cells):
        parts = []
        for value, mask in sorted(cells[module, name].items(), key=lambda pair: (-pair[1], pair[0])):
            parts.append(f"{values.setdefault(value, len(values))}:{patterns.setdefault(mask, len(patterns))}")
        names, numbers = modules.setdefault(module, ([], []))
        names.append(name)
        numbers.append(states.setdefault(" ".join(parts), len(states)))
    return {
        "format": FORMAT,
        "versions": versions,
        "loose": " ".join(sorted(loose)),
        "patterns": [_intervals(mask) for mask in patterns],
        "values": list(values),
        "states": list(states),
        "modules": {module: (" ".join(names), numbers) for module, (names, numbers) in modules.items()},
    }


def pack(content: Mapping[str, Any]) -> bytes:
    """Return the packed form of a table's content."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return lzma.compress(text.encode(), format=lzma.FORMAT_XZ, preset=9 | lzma.PRESET_EXTREME)


def unpack(data: bytes, where: str) -> Table:
    """Return the table in ``data``; ``where`` names it in the `ApiIndexError` that broken data raises, now or later."""
    with _reported(where):
        content: dict[str, Any] = json.loads(lzma.decompress(data))
        if content["format"] == FORMAT:
            return Table(content, where)
    raise ApiIndexError(f"{where} has format {content['format']}, this version reads {FORMAT}")


def runs(mask: int) -> Iterator[tuple[int, int]]:
    """Yield the runs of set bits as (first, last)."""
    start = 0
    while mask >> start:
        start += ((mask >> start) & -(mask >> start)).bit_length() - 1
        length = (~(mask >> start) & (mask >> start) + 1).bit_length() - 1
        yield start, start + length - 1
        start += length


def _intervals(mask: int) -> str:
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs(mask))


def _mask(text: str) -> int:
    mask = 0
    for part in text.split(","):
        first, _, last = part.partition("-")
        mask |= (1 << int(last or first) + 1) - (1 << int(first))
    return mask
