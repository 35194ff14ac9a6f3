"""Reads the calls of an example's code: those of pipelines, of its own functions, of libraries."""

from __future__ import annotations

import ast
import re
from abc import abstractmethod
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cpipe_check.example import MAX_ITEMS, ExampleValue, as_named
from cpipe_check.pipeline_file.example import functions, values
from cpipe_check.pipeline_file.example.expressions import STEPS, Expressions
from cpipe_check.pipeline_file.example.kinds import Call, Output, Pipeline, Scope, Value, class_of, dotted

_LOADERS = frozenset({"from_pretrained", "from_single_file", "from_pipe", "from_config", "from_ckpt"})
CONVENTIONAL = re.compile(r"(.*_)?pipe(line)?(_.*|\d*)")
_MOVED_BY = frozenset({"to", "cuda", "half", "float", "cpu", "eval"})
_MAX_CALLS = 4


class Calls(Expressions):
    """What calls return. `calls` are those of pipelines."""

    def __init__(self, steps: int = STEPS) -> None:
        super().__init__(steps)
        self.calls: list[Call] = []
        self._scope: Scope = ChainMap({})
        self._entered: set[ast.FunctionDef] = set()
        self._calling = 0

    @abstractmethod
    def _run(self, body: Sequence[ast.stmt], scope: Scope, returned: list[Value] | None = None) -> None: ...

    def _call(self, node: ast.Call, scope: Scope) -> Value | None:
        function = node.func
        owner: Value | None = None
        if isinstance(function, ast.Attribute):
            if function.attr in _LOADERS:
                return self._loaded(function.value, function.attr, node, scope)
            owner = self._evaluate(function.value, scope)
        elif not isinstance(function, ast.Name):
            owner = self._evaluate(function, scope)
        known = scope.get(function.id) if isinstance(function, ast.Name) else None
        if isinstance(known, ast.FunctionDef):
            given = [self._evaluate(each, scope) for each in node.args if not isinstance(each, ast.Starred)]
            return self._invoke(known, given, {k.arg: self._evaluate(k.value, scope) for k in node.keywords if k.arg})
        positional, keywords = self._arguments(node, scope)
        pipeline, method = self._called(function, owner, scope)
        if pipeline is not None:
            if method in _MOVED_BY:
                return pipeline
            line = self._line + node.lineno - 1
            self.calls.append(Call(pipeline, method, positional, keywords, line, dict(pipeline.components)))
            return Output(self._text(node), method)
        return self._library(node, owner, positional, keywords, scope)

    def _called(self, function: ast.expr, owner: Value | None, scope: Scope) -> tuple[Pipeline | None, str]:
        """The pipeline that a call is of and the method, or None."""
        target, method = (
            (function.value, function.attr) if isinstance(function, ast.Attribute) else (function, "__call__")
        )
        value = owner if owner is not None else scope.get(target.id) if isinstance(target, ast.Name) else None
        if isinstance(value, Pipeline):
            return value, method
        nothing = value is None or (isinstance(value, ExampleValue) and value.kind == "unknown")
        if nothing and isinstance(target, ast.Name) and CONVENTIONAL.fullmatch(target.id):
            self.steps -= len(scope)
            made = {id(each): each for each in scope.values() if isinstance(each, Pipeline)}
            # Where the example makes one pipeline, that is meant, whatever it is called here.
            scope[target.id] = pipeline = next(iter(made.values())) if len(made) == 1 else Pipeline()
            return pipeline, method
        return None, method

    def _arguments(self, node: ast.Call, scope: Scope) -> tuple[tuple[ExampleValue, ...], dict[str, ExampleValue]]:
        keywords: dict[str, ExampleValue] = {}
        for keyword in node.keywords[:MAX_ITEMS]:
            value = self._known(keyword.value, scope)
            if keyword.arg is None:
                keywords.update((k, v) for k, v in zip(value.keys, value.items, strict=False) if isinstance(k, str))
            else:
                keywords[keyword.arg] = as_named(value, keyword.arg)
        return self._items(node.args, scope), keywords

    def _loaded(self, owner: ast.expr, loader: str, node: ast.Call, scope: Scope) -> Value:
        """A pipeline or another object, from the class that loads it."""
        name = (dotted(owner) or "").rpartition(".")[2][:100]
        positional, keywords = self._arguments(node, scope)
        source = positional[0] if positional else next(iter(keywords.values()), None)
        model = source.value if source is not None and isinstance(source.value, str) else ""
        if "Pipeline" not in name:
            if name.islower() or not name:
                return values.unknown(self._text(node))
            return ExampleValue("object", text=name, value=model or None)
        custom = keywords.get("custom_pipeline")
        pipeline = self._constructed(name, keywords)
        pipeline.custom = custom.value if custom is not None and isinstance(custom.value, str) else ""
        pipeline.model = model if loader != "from_config" else ""
        return pipeline

    def _constructed(self, name: str, keywords: Mapping[str, ExampleValue]) -> Pipeline:
        given = {key: class_of(value) for key, value in keywords.items()}
        return Pipeline(name, components={key[:100]: text for key, text in given.items() if text})

    def _library(
        self,
        node: ast.Call,
        owner: Value | None,
        positional: tuple[ExampleValue, ...],
        keywords: dict[str, ExampleValue],
        scope: Scope,
    ) -> Value | None:
        function = node.func
        if isinstance(function, ast.Attribute) and isinstance(owner, ExampleValue):
            self._changed(function, owner, positional, keywords, scope)
            if owner.kind != "unknown" or function.attr == "append":
                return values.method(owner, function.attr, positional, keywords)
        name = dotted(function) or self._text(function)
        last = name.rpartition(".")[2]
        found = functions.call(name, positional, keywords)
        if found is not None:
            return self._sized(found)
        if last[:1].isupper() and last.isidentifier():
            if last.endswith("Pipeline"):
                return self._constructed(last, keywords)
            given = (*positional, *keywords.values())
            keys = (*(None for _ in positional), *keywords)
            return self._sized(ExampleValue("object", text=last, items=given, keys=keys))
        known = scope.get(name)
        if isinstance(known, ExampleValue) and known.kind == "object":
            return functions.call(known.text, positional, keywords)
        return None

    def _changed(
        self,
        function: ast.Attribute,
        owner: ExampleValue,
        positional: tuple[ExampleValue, ...],
        keywords: Mapping[str, ExampleValue],
        scope: Scope,
    ) -> None:
        """What a method does to its object: a list grows, a generator is seeded; an option gets its default."""
        name = function.value.id if isinstance(function.value, ast.Name) else ""
        match function.attr:
            case "append" if owner.kind == "list" and positional and len(owner.items) < MAX_ITEMS:
                scope[name] = self._sized(replace(owner, items=(*owner.items, positional[0])))
            case "manual_seed" if owner.kind == "generator" and name:
                scope[name] = values.method(owner, "manual_seed", positional, keywords) or owner
            case "add_argument" if positional and "default" in keywords and isinstance(positional[-1].value, str):
                self._options[positional[-1].value.lstrip("-").replace("-", "_")] = keywords["default"]

    def _invoke(
        self, function: ast.FunctionDef, positional: Sequence[Value], keywords: Mapping[str, Value]
    ) -> Value | None:
        """What a function of the example returns."""
        self._entered.add(function)
        if self._calling >= _MAX_CALLS:
            return None
        taken = function.args
        names = [a.arg for a in (*taken.posonlyargs, *taken.args)]
        self.steps -= len(names) + len(taken.kwonlyargs)
        scope = self._scope.new_child()
        for name in (*names, *(a.arg for a in taken.kwonlyargs)):
            scope[name] = values.unknown(name)
        defaults = list(zip(reversed(names), reversed(taken.defaults), strict=False))
        defaults += [(a.arg, d) for a, d in zip(taken.kwonlyargs, taken.kw_defaults, strict=True) if d is not None]
        for name, default in defaults:
            scope[name] = self._evaluate(default, self._scope)
        scope.update(zip(names, positional, strict=False))
        scope.update((k, v) for k, v in keywords.items() if k in scope.maps[0])
        returned: list[Value] = []
        self._calling += 1
        self._run(function.body, scope, returned)
        self._calling -= 1
        return returned[-1] if returned else None
