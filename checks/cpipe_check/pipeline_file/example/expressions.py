"""Reads the expressions of an example's code, evaluating none."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from cpipe_check.example import MAX_ITEMS, ExampleValue, as_named, literal
from cpipe_check.pipeline_file.example import values
from cpipe_check.pipeline_file.example.kinds import (
    ONE_IMAGE,
    Output,
    Pipeline,
    Scope,
    Value,
    class_of,
    dotted,
    first,
    plain,
)
from cpipe_check.pipeline_file.example.texts import Piece

STEPS = 20_000
_MAX_DEPTH = 40
_MAX_WEIGHT = 600
_MAX_COMPONENTS = 64
_MAX_VALUE_DEPTH = 8


class Expressions(ABC):
    """What expressions come to, within a budget of `steps`: what exceeds it is unknown."""

    def __init__(self, steps: int = STEPS) -> None:
        self.steps = steps
        self._options: dict[str, ExampleValue] = {}
        self._lines: list[bytes] = []
        self._line = 1
        self._depth = 0

    @abstractmethod
    def _call(self, node: ast.Call, scope: Scope) -> Value | None: ...

    def _at(self, piece: Piece) -> None:
        self._lines, self._line = [line.encode("utf-8", "replace") for line in piece.lines], piece.line

    def _text(self, node: ast.expr) -> str:
        """The expression's source on its first line, cut."""
        end = node.end_col_offset if node.end_lineno == node.lineno else None
        source = self._lines[node.lineno - 1] if node.lineno <= len(self._lines) else b""
        text = source[node.col_offset : end][:400].decode("utf-8", "replace")
        return text[:200]

    def _bind(self, target: ast.expr, value: Value, scope: Scope) -> None:
        match target:
            case ast.Name(id=name):
                scope[name] = as_named(value, name) if isinstance(value, ExampleValue) else value
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                whole = plain(value)
                items = whole.items if whole.kind in ("list", "tuple") and len(whole.items) == len(elements) else ()
                if whole.kind == "output":
                    items = tuple(replace(whole, value=index) for index in range(len(elements)))
                for element, item in zip(elements, items or [values.unknown(whole.text)] * len(elements), strict=True):
                    self._bind(element, item, scope)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                pipeline = scope.get(owner)
                component = class_of(value)
                if isinstance(pipeline, Pipeline) and not component:
                    pipeline.components.pop(name, None)
                elif isinstance(pipeline, Pipeline) and len(pipeline.components) < _MAX_COMPONENTS:
                    pipeline.components[name] = component
            case ast.Subscript(value=ast.Name(id=owner), slice=key):
                held, place = scope.get(owner), self._known(key, scope)
                if isinstance(held, ExampleValue) and held.kind == "dict" and place.kind == "literal":
                    pairs = {**dict(zip(held.keys, held.items, strict=True)), place.value: plain(value)}
                    scope[owner] = self._sized(replace(held, keys=tuple(pairs), items=tuple(pairs.values())))

    def _known(self, node: ast.expr, scope: Scope) -> ExampleValue:
        return plain(self._evaluate(node, scope), self._text(node))

    def _evaluate(self, node: ast.expr, scope: Scope) -> Value:
        self.steps -= 1
        if self.steps < 0 or self._depth > _MAX_DEPTH:
            return values.unknown("")
        self._depth += 1
        try:
            return self._expression(node, scope) or values.unknown(self._text(node))
        finally:
            self._depth -= 1

    def _expression(self, node: ast.expr, scope: Scope) -> Value | None:
        match node:
            case ast.Constant(value=value):
                return literal(value)
            case ast.Name(id=name):
                return scope.get(name)
            case ast.JoinedStr(values=parts):
                return self._f_string(parts, scope)
            case ast.List(elts=elements) | ast.Set(elts=elements):
                return self._sized(ExampleValue("list", items=self._items(elements, scope)))
            case ast.Tuple(elts=elements):
                return self._sized(ExampleValue("tuple", items=self._items(elements, scope)))
            case ast.Dict(keys=keys, values=elements):
                return self._dict(keys, elements, scope)
            case ast.BinOp(left=left, op=op, right=right):
                operands = self._known(left, scope), self._known(right, scope)
                result = values.operation(type(op).__name__, *operands)
                return result and self._sized(result)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return values.operation("Sub", ExampleValue("literal", 0), self._known(operand, scope))
            case ast.BoolOp(values=[*_, last]):
                return self._evaluate(last, scope)
            case ast.IfExp(body=body):
                return self._evaluate(body, scope)
            case ast.Lambda():
                return ExampleValue("callable", text=self._text(node))
            case ast.ListComp() | ast.GeneratorExp():
                return self._comprehension(node, scope)
            case ast.Attribute() | ast.Subscript():
                return self._part(node, scope)
            case ast.Call():
                return self._call(node, scope)
            case ast.NamedExpr(target=target, value=value):
                named = self._evaluate(value, scope)
                self._bind(target, named, scope)
                return named
        return None

    def _items(self, elements: Sequence[ast.expr], scope: Scope) -> tuple[ExampleValue, ...]:
        items: list[ExampleValue] = []
        for element in elements[:MAX_ITEMS]:
            value = self._known(element.value if isinstance(element, ast.Starred) else element, scope)
            items.extend(value.items if isinstance(element, ast.Starred) and value.items else (value,))
        return tuple(items[:MAX_ITEMS])

    def _f_string(self, parts: Sequence[ast.expr], scope: Scope) -> ExampleValue | None:
        text = ""
        for part in parts:
            value = self._known(part.value if isinstance(part, ast.FormattedValue) else part, scope)
            if value.kind != "literal":
                return None
            text = (text + str(value.value))[:4000]
        return literal(text)

    def _dict(self, keys: Sequence[ast.expr | None], elements: Sequence[ast.expr], scope: Scope) -> ExampleValue:
        pairs: dict[str | int | float | None, ExampleValue] = {}
        for key, element in zip(keys[:MAX_ITEMS], elements, strict=False):
            value = self._known(element, scope)
            if key is None:
                pairs.update(zip(value.keys, value.items, strict=False))
            elif (name := self._known(key, scope)).kind == "literal":
                pairs[name.value] = value
        return self._sized(ExampleValue("dict", keys=tuple(pairs), items=tuple(pairs.values())))

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp, scope: Scope) -> ExampleValue:
        source = self._known(node.generators[0].iter, scope)
        inner = scope.new_child()
        for generator in node.generators[1:]:
            self._bind(generator.target, values.unknown(""), inner)
        items = []
        for item in source.items or (first(source) or values.unknown(""),):
            self._bind(node.generators[0].target, item, inner)
            items.append(self._known(node.elt, inner))
        return self._sized(ExampleValue("list", items=tuple(items)))

    def _part(self, node: ast.Attribute | ast.Subscript, scope: Scope) -> Value | None:
        name = dotted(node)
        if name and (found := values.named(name)):
            return found
        owner = self._evaluate(node.value, scope)
        if isinstance(node, ast.Subscript):
            return self._item(owner, node.slice, scope)
        if isinstance(owner, Output):
            # Images, frames, audios; what is taken of them is one.
            return ExampleValue("video" if node.attr.startswith(("frames", "video")) else "list", items=ONE_IMAGE)
        if isinstance(owner, Pipeline):
            component = owner.components.get(node.attr)
            return ExampleValue("object", text=component) if component else None
        if not isinstance(owner, ExampleValue):
            return None
        if owner.kind == "unknown" and node.attr in self._options:
            return self._options[node.attr]
        return values.attribute(owner, node.attr)

    def _item(self, owner: Value, index: ast.expr, scope: Scope) -> ExampleValue | None:
        if isinstance(owner, Output):
            return ExampleValue("list", items=ONE_IMAGE)
        if not isinstance(owner, ExampleValue):
            return None
        if owner.kind == "video" and owner.items:
            # An output's frames: the first of a batch of videos.
            return ExampleValue("video")
        if owner.kind in ("tensor", "array"):
            return ExampleValue(owner.kind, text=owner.text)
        if isinstance(index, ast.Slice):
            return owner if owner.kind in ("list", "tuple", "video") else None
        return values.item(owner, self._known(index, scope))

    def _sized(self, value: ExampleValue) -> ExampleValue:
        """The value, or an unknown one where it has grown out of all proportion. Costs steps."""
        stack, weight = [(value, 0)], 0
        while stack:
            part, depth = stack.pop()
            weight += 1 + len(part.text) // 500 + (len(part.value) // 500 if isinstance(part.value, str) else 0)
            if weight > _MAX_WEIGHT or depth > _MAX_VALUE_DEPTH:
                self.steps -= weight
                return values.unknown("")
            stack.extend((item, depth + 1) for item in part.items)
        self.steps -= weight // 10
        return value
