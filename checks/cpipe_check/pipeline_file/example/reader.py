"""Reads an example's statements one after the other, running none: what its names stand for, how it calls pipelines."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from cpipe_check.example import ExampleValue
from cpipe_check.pipeline_file.example import values
from cpipe_check.pipeline_file.example.calls import CONVENTIONAL, Calls
from cpipe_check.pipeline_file.example.kinds import Scope, Value, first
from cpipe_check.pipeline_file.example.texts import Piece


class Reader(Calls):
    """Reads pieces of one example in order. `calls` are those of pipelines, within a budget of `steps`."""

    def read(self, pieces: Sequence[Piece]) -> None:
        """Read the pieces, then the functions in them that nothing called."""
        functions: list[tuple[Piece, ast.FunctionDef]] = []
        for piece in pieces:
            self._at(piece)
            self._run(piece.body, self._scope)
            functions.extend((piece, node) for node in piece.body if isinstance(node, ast.FunctionDef))
        for piece, function in functions:
            self._at(piece)
            if function not in self._entered:
                self._invoke(function, (), {})

    def _run(self, body: Sequence[ast.stmt], scope: Scope, returned: list[Value] | None = None) -> None:
        for statement in body:
            self.steps -= 1
            if self.steps < 0:
                return
            self._statement(statement, scope, returned)

    def _statement(self, statement: ast.stmt, scope: Scope, returned: list[Value] | None) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                result = self._evaluate(value, scope)
                for target in targets:
                    self._bind(target, result, scope)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._bind(target, self._evaluate(value, scope), scope)
            case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
                left, right = self._known(target, scope), self._known(value, scope)
                changed = values.operation(type(op).__name__, left, right)
                self._bind(target, changed or values.unknown(self._text(value)), scope)
            case ast.Expr(value=value):
                self._evaluate(value, scope)
            case ast.Return(value=ast.expr() as value):
                result = self._evaluate(value, scope)
                if returned is not None:
                    returned.append(result)
            case ast.FunctionDef(name=name):
                scope[name] = statement
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                for alias in names:
                    if CONVENTIONAL.fullmatch(alias.asname or alias.name):
                        scope[alias.asname or alias.name] = ExampleValue("callable", text=alias.name[:100])
            case _:
                self._compound(statement, scope, returned)

    def _compound(self, statement: ast.stmt, scope: Scope, returned: list[Value] | None) -> None:
        match statement:
            case ast.If(body=body, orelse=orelse):
                # What stands first is the usual case: it has the last word.
                self._run(orelse, scope, returned)
                self._run(body, scope, returned)
            case ast.For(target=target, iter=iterated, body=body):
                source = self._known(iterated, scope)
                for item in source.items or (first(source) or values.unknown(self._text(iterated)),):
                    self._bind(target, item, scope)
                    self._run(body, scope, returned)
            case ast.With(items=items, body=body):
                for each in items:
                    result = self._evaluate(each.context_expr, scope)
                    if each.optional_vars is not None:
                        self._bind(each.optional_vars, result, scope)
                self._run(body, scope, returned)
            case ast.While(body=body):
                self._run(body, scope, returned)
            case ast.Try(body=body, orelse=orelse, finalbody=last):
                self._run([*body, *orelse, *last], scope, returned)
