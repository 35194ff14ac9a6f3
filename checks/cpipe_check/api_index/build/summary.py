"""From the text of one file to its `Summary`: the order of its bindings, without resolving anything."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from cpipe_check.api_index.build.classtext import class_text, deprecations, shim_patterns
from cpipe_check.api_index.build.conditions import truth
from cpipe_check.api_index.build.lazy import LazyNames, lazy_ops
from cpipe_check.api_index.build.ops import Attempt, Bind, Branch, Leave, Op, Open, Star, Summary, Unbind

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_GATE = "OptionalDependencyNotAvailable"


def summarise(text: bytes | str) -> Summary:
    """Return the summary of a file's text; raises ``SyntaxError`` where Python would."""
    tree = ast.parse(text)
    reader = _Reader(LazyNames.of(tree))
    exports, literal = _exports(tree.body)
    return Summary(
        ops=reader.block(tree.body),
        exports=exports,
        exports_literal=literal,
        decorated=_decorated(tree.body),
        classes={node.name: class_text(node) for node in _definitions(tree.body) if isinstance(node, ast.ClassDef)},
        deprecated=deprecations(tree),
        shims=shim_patterns(tree),
        fallbacks=_fallbacks(tree),
        converters=_converters(tree.body),
    )


class _Reader:
    """Turns statements into ops; knows which variables of this module feed a lazy module."""

    def __init__(self, lazy: LazyNames) -> None:
        self._lazy = lazy

    def block(self, body: Sequence[ast.stmt]) -> tuple[Op, ...]:
        return tuple(op for statement in body for op in self._statement(statement))

    def _statement(self, node: ast.stmt) -> Iterator[Op]:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield from _imports(node)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield Bind(name, "function")
                if name == "__getattr__":
                    yield Open()
                yield from _globals_of(node)
            case ast.ClassDef(name=name):
                yield Bind(name, "class")
                yield from _globals_of(node)
            case ast.If(test=test, body=body, orelse=orelse):
                yield from _walrus(test)
                yield Branch(truth(test), self.block(body), self.block(orelse))
            case ast.Try() | ast.While() | ast.For() | ast.AsyncFor() | ast.With() | ast.AsyncWith() | ast.Match():
                yield from self._compound(node)
            case ast.Raise():
                yield Leave()
            case ast.Delete(targets=targets):
                yield from (Unbind(target.id) for target in targets if isinstance(target, ast.Name))
            case _ if type(node).__name__ == "TryStar":
                yield from self._compound(node)
            case _:
                yield from self._simple(node)

    def _compound(self, node: ast.stmt) -> Iterator[Op]:
        match node:
            case ast.While(body=body, orelse=orelse):
                yield Branch(None, self.block(body))
                yield from self.block(orelse)
            case (
                ast.For(target=target, body=body, orelse=orelse) | ast.AsyncFor(target=target, body=body, orelse=orelse)
            ):
                if self._lazy.copies(node):
                    return
                bound = tuple(Bind(name, "variable") for name in _targets(target))
                yield Branch(None, (*bound, *self.block(body)))
                yield from self.block(orelse)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                named = [item.optional_vars for item in items if item.optional_vars is not None]
                yield from (Bind(name, "variable") for target in named for name in _targets(target))
                yield (
                    Attempt(self.block(body), ((),), (), (), False)
                    if _suppresses(items)
                    else Branch(True, self.block(body))
                )
            case ast.Match(cases=cases):
                for case in cases:
                    captured = tuple(Bind(name, "variable") for name in _captures(case.pattern))
                    yield Branch(None, (*captured, *self.block(case.body)))
            case ast.Try() | ast.TryStar():  # type: ignore[attr-defined,unused-ignore]
                yield self._attempt(node)

    def _attempt(self, node: ast.Try) -> Attempt:
        types = {ast.unparse(handler.type) if handler.type else "" for handler in node.handlers}
        return Attempt(
            body=self.block(node.body),
            handlers=tuple(self.block(handler.body) for handler in node.handlers),
            orelse=self.block(node.orelse),
            final=self.block(node.finalbody),
            only_raise=types == {_GATE},
        )

    def _simple(self, node: ast.stmt) -> Iterator[Op]:
        yield from _walrus(node)
        handled = lazy_ops(node, self._lazy)
        yield from handled
        if _makes_names(node):
            yield Open()
        match node:
            case ast.Assign(targets=targets):
                names = [name for target in targets for name in _targets(target)]
                yield from (Bind(name, "variable") for name in names)
                if "__getattr__" in names:
                    yield Open()
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                yield Bind(name, "variable")
            case _ if type(node).__name__ == "TypeAlias":
                yield Bind(node.name.id, "variable")  # type: ignore[attr-defined]


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[Op]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield Bind(alias.asname or top, "module", alias.name if alias.asname else top)
        return
    source = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            yield Star(source)
        else:
            yield Bind(alias.asname or alias.name, "name", f"{source}:{alias.name}")


def _targets(node: ast.expr) -> Iterator[str]:
    return (child.id for child in ast.walk(node) if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store))


def _captures(pattern: ast.pattern) -> Iterator[str]:
    for child in ast.walk(pattern):
        name = getattr(child, "rest", None) or getattr(child, "name", None)
        if isinstance(name, str):
            yield name


def _walrus(node: ast.AST) -> Iterator[Op]:
    if not any(isinstance(child, ast.NamedExpr) for child in ast.walk(node)):
        return
    named = [child.target.id for child in ast.walk(node) if isinstance(child, ast.NamedExpr)]
    yield Branch(None, tuple(Bind(name, "variable") for name in named))


def _globals_of(node: ast.AST) -> Iterator[Op]:
    names = [name for child in ast.walk(node) if isinstance(child, ast.Global) for name in child.names]
    if names:
        yield Branch(None, tuple(Bind(name, "variable") for name in dict.fromkeys(names)))


def _suppresses(items: Sequence[ast.withitem]) -> bool:
    return any("suppress" in ast.unparse(item.context_expr) for item in items)


def _makes_names(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Expr | ast.Assign | ast.AugAssign):
        return False
    return (
        re.match(r"(globals|vars|locals)\(\)(\[(?!'__file__')|\.)|exec\(|setattr\(sys\.modules\[", ast.unparse(node))
        is not None
    )


def _definitions(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if not isinstance(node, _SCOPES):
            for part in ("body", "orelse", "finalbody"):
                yield from _definitions(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _definitions(handler.body)


def _exports(body: Sequence[ast.stmt]) -> tuple[tuple[str, ...] | None, bool]:
    """Return a literal ``__all__`` and whether it is the whole truth."""
    found: list[str] | None = None
    for node in _definitions(body):
        text = isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr) and ast.unparse(node)
        if not text or not text.startswith("__all__"):
            continue
        value = getattr(node, "value", None)
        elements = value.elts if isinstance(value, ast.List | ast.Tuple) else None
        if elements is None or not all(isinstance(elt, ast.Constant) for elt in elements):
            return None, False
        found = (found or []) + [str(elt.value) for elt in elements if isinstance(elt, ast.Constant)]
    return (None if found is None else tuple(found)), True


def _decorated(body: Sequence[ast.stmt]) -> tuple[str, ...]:
    """Return the names that a ``@requires`` or ``@export`` decorator publishes (transformers 4.48 and newer)."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    return tuple(
        node.name
        for node in body
        if isinstance(node, kinds)
        and any(re.match(r"(requires|export)\(", ast.unparse(decorator)) for decorator in node.decorator_list)
    )


def _fallbacks(tree: ast.Module) -> tuple[str, ...]:
    """Return the endings of names for which this file's ``_LazyModule`` makes up a stand-in (transformers 5)."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "_LazyModule":
            found = re.findall(r"name\.endswith\('(\w+)'\)", ast.unparse(node))
            return tuple(sorted(set(found)))
    return ()


def _converters(body: Sequence[ast.stmt]) -> tuple[str, ...]:
    """Return the tokenizer names of transformers' slow-to-fast table, which also serves as a table of aliases."""
    for node in body:
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict) and ast.unparse(node).startswith("SLOW_TO_FAST_CONVERTERS"):
            return tuple(str(key.value) for key in value.keys if isinstance(key, ast.Constant))
    return ()
