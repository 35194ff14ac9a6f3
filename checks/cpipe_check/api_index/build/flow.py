"""Runs the ops of one module over an abstract namespace in which each name is bound certainly or perhaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from cpipe_check.api_index.build.ops import (
    Attempt,
    Bind,
    Branch,
    Export,
    ExportAll,
    ExportTree,
    Install,
    Leave,
    Op,
    Open,
    Star,
    Unbind,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a name is bound to; ``ref`` as in `Bind`, but absolute."""

    certain: bool
    kind: str
    ref: str


@dataclass(slots=True)
class State:
    """A namespace on one path: its names, its lazy exports, and whether the path was left by a raise."""

    names: dict[str, Entry] = field(default_factory=dict)
    lazy: dict[str, Entry] = field(default_factory=dict)
    left: bool = False
    open: bool = False
    installed: bool = False

    def copy(self) -> State:
        return State(dict(self.names), dict(self.lazy), self.left, self.open, self.installed)


@dataclass(frozen=True, slots=True)
class StarNames:
    """What a star import brings; ``closed`` is false when there may be more."""

    entries: dict[str, Entry]
    closed: bool


@dataclass(frozen=True, slots=True)
class World:
    """What the flow asks of the release: absolute names, star imports, and the exports below a folder."""

    absolute: Callable[[str], str]
    star: Callable[[str], StarNames]
    tree: Callable[[str], dict[str, Entry]]


def join(left: State, right: State) -> State:
    """Return the state after two paths meet: certain only where both are."""
    if left.left or right.left:
        survivor = right if left.left else left
        return survivor.copy()
    return State(
        _join_names(left.names, right.names),
        _join_names(left.lazy, right.lazy),
        open=left.open or right.open,
        installed=left.installed or right.installed,
    )


def _join_names(left: dict[str, Entry], right: dict[str, Entry]) -> dict[str, Entry]:
    joined = {}
    for name in {**left, **right}:
        first, second = left.get(name), right.get(name)
        if first is not None and second is not None:
            best = first if _rank(first) >= _rank(second) else second
            joined[name] = replace(best, certain=first.certain and second.certain)
        elif lone := first or second:
            joined[name] = replace(lone, certain=False)
    return joined


def _rank(entry: Entry) -> int:
    """Rank the real thing above a placeholder, and anything above a plain value (``x = None``)."""
    if ".dummy_" in entry.ref:
        return 1
    return 0 if entry.kind == "variable" else 2


class Flow:
    """One run over one module."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._raised: list[list[State]] = []

    def run(self, ops: Iterable[Op], state: State) -> State:
        """Return the state after ``ops``; ``state`` may be changed."""
        for op in ops:
            if state.left:
                break
            state = self._step(op, state)
        return state

    def _step(self, op: Op, state: State) -> State:
        match op:
            case Bind(name=name, kind=kind, ref=ref):
                state.names[name] = Entry(True, kind, self._world.absolute(ref) if ref else "")
            case Unbind(name=name):
                state.names.pop(name, None)
            case Star(module=module):
                self._star(self._world.absolute(module), state)
            case Export(key=key, names=names):
                for name in names:
                    state.lazy[name] = self._export(key, name, state)
            case ExportAll(module=variable):
                self._export_all(variable, state)
            case ExportTree(prefix=prefix):
                state.lazy.update(self._world.tree(prefix))
            case Install(extra=extra):
                state.installed = True
                state.lazy.update({name: Entry(True, "variable", "") for name in extra})
            case Open():
                state.open = True
            case Leave():
                for waiting in self._raised[-1:]:
                    waiting.append(state.copy())
                state.left = True
            case Branch():
                return self._branch(op, state)
            case Attempt():
                return self._attempt(op, state)
        return state

    def _branch(self, op: Branch, state: State) -> State:
        if op.truth is True:
            return self.run(op.body, state)
        if op.truth is False:
            return self.run(op.orelse, state)
        return join(self.run(op.body, state.copy()), self.run(op.orelse, state.copy()))

    def _attempt(self, op: Attempt, state: State) -> State:
        before = state.copy()
        self._raised.append([])
        after = self.run(op.body, state)
        raised = self._raised.pop()
        starts = list(raised)
        if not op.only_raise:
            reached = after.copy()
            reached.left = False
            starts.append(join(before, reached))
        result = self.run(op.orelse, after)
        if starts:
            start = starts[0]
            for other in starts[1:]:
                start = join(start, other)
            for handler in op.handlers:
                result = join(result, self.run(handler, start.copy()))
        return self.run(op.final, result)

    def _star(self, module: str, state: State) -> None:
        brought = self._world.star(module)
        for name, entry in brought.entries.items():
            known = state.names.get(name)
            state.names[name] = entry if entry.certain or known is None else replace(known, certain=known.certain)
        state.open |= not brought.closed

    def _export(self, key: str, name: str, state: State) -> Entry:
        if not key:
            return state.names.get(name, Entry(True, "variable", ""))
        return Entry(True, "name", self._world.absolute(f".{key}:{name}"))

    def _export_all(self, variable: str, state: State) -> None:
        bound = state.names.get(variable)
        if bound is None:
            state.open = True
            return
        module = bound.ref.replace(":", ".")
        brought = self._world.star(module)
        state.lazy.update(brought.entries)
        state.open |= not brought.closed
