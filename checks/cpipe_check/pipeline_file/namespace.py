"""An abstract run of a module's top level: which names are bound to which classes at its end.

The loader inspects the executed module's namespace, not its text: aliases count twice, a deleted class does not
count, a class inside a function is not seen (`find_pipeline_class` in diffusers 0.42's
`utils/dynamic_modules_utils.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import libcst as cst

from cpipe_check.pipeline_file import control_flow, syntax
from cpipe_check.pipeline_file.definitions import class_of
from cpipe_check.pipeline_file.facts import Class, Import, Imported, LocalClass, Namespace, Special, Values

_UNBOUND: Values = frozenset({Special.UNBOUND})
_NO_CLASS: Values = frozenset({Special.NO_CLASS})
_UNKNOWN: Values = frozenset({Special.UNKNOWN})
# Anywhere in the file, these can bind module-level names behind the text's back.
_REACHES_IN = re.compile(r"\bglobals\s*\(|\bexec\s*\(|\bsys\.modules\b|^\s*global\s", re.MULTILINE)
# At module level, so can these.
_REACHES_IN_AT_TOP = frozenset({"vars", "locals", "setattr", "eval", "__dict__", "__import__"})
# Decorators of these packages give back the function or class that they were given.
_KEEPING_ROOTS = frozenset({"torch", "functools", "contextlib", "dataclasses", "typing", "typing_extensions", "numba"})
_NEVER_CLASS = (
    cst.BaseNumber, cst.BaseString, cst.Lambda, cst.BaseDict, cst.BaseList, cst.BaseSet, cst.Tuple, cst.Comparison,
    cst.UnaryOperation, cst.BinaryOperation, cst.BaseComp,
)  # fmt: skip
Env = dict[str, Values]


def namespace_of(module: cst.Module, source: str) -> Namespace:
    """Return what `module` binds at its top level."""
    hinted = any(hint in source for hint in ("globals", "exec", "sys.modules", "global "))
    run = _Run(dynamic=hinted and _REACHES_IN.search(source) is not None)
    env: Env = {}
    run.block(syntax.statements(module), env, ())
    return Namespace(env, tuple(run.classes), tuple(run.imports), run.dynamic, tuple(run.stars))


def _merge(*envs: Env) -> Env:
    names = {name for env in envs for name in env}
    return {name: frozenset().union(*(env.get(name, _UNBOUND) for env in envs)) for name in names}


class _Run:
    def __init__(self, dynamic: bool) -> None:
        self.classes: list[Class] = []
        self.imports: list[Import] = []
        self.stars: list[Imported] = []
        self.dynamic = dynamic

    def block(self, body: Iterable[cst.CSTNode], env: Env, guards: tuple[str, ...]) -> None:
        for statement in body:
            self.statement(statement, env, guards)

    def statement(self, node: cst.CSTNode, env: Env, guards: tuple[str, ...]) -> None:
        match node:
            case cst.Import() | cst.ImportFrom():
                self._import(node, env, guards)
            case cst.ClassDef():
                self._class(node, env, guards)
            case cst.FunctionDef():
                self._function(node, env, guards)
            case cst.If():
                self._if(node, env, guards)
            case cst.Try() | cst.TryStar():
                self._try(node, env, guards)
            case cst.For() | cst.While():
                self._loop(node, env, guards)
            case cst.With():
                self._with(node, env, guards)
            case cst.Match():
                branches = [(*guards, "match")] * len(node.cases)
                self._branches([syntax.statements(case.body) for case in node.cases], branches, env, keep=True)
            case _:
                self._simple(node, env)

    def _simple(self, node: cst.CSTNode, env: Env) -> None:
        self._expression(node, env)
        match node:
            case cst.Assign(targets=targets, value=value):
                values = self.values(value, env)
                for target in targets:
                    self._bind(target.target, value, values, env)
            case cst.AnnAssign(target=annotated, value=cst.BaseExpression() as value):
                self._bind(annotated, value, self.values(value, env), env)
            case cst.AugAssign(target=target):
                self._bind(target, None, _NO_CLASS, env)
            case cst.Del(target=target):
                self._bind(target, None, _UNBOUND, env)

    def _expression(self, root: cst.CSTNode, env: Env) -> None:
        """Take note of what evaluating an expression can bind: `(name := value)`, and reaches into the namespace."""
        for node in syntax.walk(root):
            if isinstance(node, cst.Name) and node.value in _REACHES_IN_AT_TOP:
                self.dynamic = True
            elif isinstance(node, cst.NamedExpr):
                self._bind(node.target, node.value, self.values(node.value, env), env)

    def _bind(self, target: cst.CSTNode, value: cst.CSTNode | None, values: Values, env: Env) -> None:
        match target:
            case cst.Name(value=name):
                env[name] = values
            case cst.Tuple(elements=elements) | cst.List(elements=elements):
                items = value.elements if isinstance(value, (cst.Tuple, cst.List)) else ()
                matched = len(items) == len(elements)
                for i, element in enumerate(elements):
                    item = items[i].value if matched else None
                    # A value that no expression gives stands for all targets: unbound for `del a, b`.
                    each = self.values(item, env) if item is not None else values if value is None else _UNKNOWN
                    self._bind(element.value, item, each, env)

    def values(self, node: cst.CSTNode, env: Env) -> Values:
        """Return what an expression may evaluate to, as far as classes go."""
        match node:
            case cst.Name() | cst.Attribute():
                return self._named(node, env)
            case cst.Subscript(value=value):
                # `Generic[T]` stands for the class; any other container could hold one.
                inner = self.values(value, env)
                return inner if all(isinstance(v, (LocalClass, Imported)) for v in inner) else _UNKNOWN
            case cst.IfExp(body=body, orelse=orelse):
                return self.values(body, env) | self.values(orelse, env)
            case cst.BooleanOperation():
                return _UNKNOWN
            case cst.Call():
                return self._called(node, env)
            case _:
                return _NO_CLASS if isinstance(node, _NEVER_CLASS) else _UNKNOWN

    def _named(self, node: cst.CSTNode, env: Env) -> Values:
        path = syntax.dotted(node)
        if path is None:
            return _UNKNOWN
        head, _, rest = path.partition(".")
        if head not in env:
            return _UNKNOWN if self.stars or self.dynamic else _NO_CLASS
        if not rest:
            return env[head]
        module, _, name = rest.rpartition(".")
        found: set[Special | Imported] = set()
        for value in env[head]:
            if isinstance(value, Imported):
                parts = [p for p in (value.module, value.name, module) if p]
                found.add(Imported(".".join(parts), name, value.level))
            else:
                found.add(Special.UNKNOWN)
        return frozenset(found)

    def _called(self, node: cst.Call, env: Env) -> Values:
        """A call into a library gives no class of this file unless it is handed one."""
        callee = self._named(node.func, env)
        handed = any(
            isinstance(value, LocalClass) or value is Special.UNKNOWN
            for arg in node.args
            for name in syntax.walk(arg)
            if isinstance(name, cst.Name)
            for value in env.get(name.value, _NO_CLASS)
        )
        names_bases = any("Pipeline" in n.value for n in syntax.walk(node) if isinstance(n, cst.Name))
        library = all(isinstance(v, Imported) and not v.level for v in callee)
        builtin = isinstance(node.func, cst.Name) and node.func.value not in {*env, "type", "getattr", "next"}
        return _NO_CLASS if (library or builtin) and not handed and not names_bases else _UNKNOWN

    def _class(self, node: cst.ClassDef, env: Env, guards: tuple[str, ...]) -> None:
        self._inner_imports(node.body, (*guards, "class"))
        record = class_of(node, lambda base: self.values(base, env))
        self.classes.append(record)
        kept = all(self._keeps(d.decorator, env) for d in node.decorators)
        env[node.name.value] = frozenset({LocalClass(len(self.classes) - 1)}) if kept else _UNKNOWN

    def _function(self, node: cst.FunctionDef, env: Env, guards: tuple[str, ...]) -> None:
        self._inner_imports(node.body, (*guards, "function"))
        kept = all(self._keeps(d.decorator, env) for d in node.decorators)
        env[node.name.value] = _NO_CLASS if kept else _UNKNOWN

    def _keeps(self, decorator: cst.BaseExpression, env: Env) -> bool:
        values = self._named(decorator.func if isinstance(decorator, cst.Call) else decorator, env)
        return all(isinstance(v, Imported) and v.root in _KEEPING_ROOTS for v in values)

    def _inner_imports(self, body: cst.BaseSuite, guards: tuple[str, ...]) -> None:
        inner = _ImportsOnly(dynamic=True)
        inner.block(syntax.statements(body), {}, guards)
        self.imports.extend(inner.imports)

    def _import(self, node: cst.Import | cst.ImportFrom, env: Env, guards: tuple[str, ...]) -> None:
        if isinstance(node, cst.Import):
            for alias in node.names:
                module = syntax.dotted(alias.name) or ""
                bound_as = control_flow.alias(alias) or module.partition(".")[0]
                bound = Imported(module if alias.asname else bound_as, None)
                env[bound_as] = frozenset({bound})
                self.imports.append(Import(Imported(module, None), bound_as, guards, alias))
            return
        module, level = syntax.dotted(node.module) or "", len(node.relative)
        if isinstance(node.names, cst.ImportStar):
            star = Imported(module, "*", level)
            self.stars.append(star)
            self.imports.append(Import(star, "*", guards, node))
            return
        for alias in node.names:
            name = syntax.dotted(alias.name) or ""
            bound_as = control_flow.alias(alias) or name
            env[bound_as] = frozenset({Imported(module, name, level)})
            self.imports.append(Import(Imported(module, name, level), bound_as, guards, alias))

    def _if(self, node: cst.If, env: Env, guards: tuple[str, ...]) -> None:
        known = control_flow.constant(node.test)
        self._expression(node.test, env)
        orelse: Iterable[cst.CSTNode] = ()
        if isinstance(node.orelse, cst.If):
            orelse = (node.orelse,)
        elif node.orelse is not None:
            orelse = syntax.statements(node.orelse.body)
        if known is not None:
            # The branch that never runs still holds imports that somebody wrote.
            never = (*guards, "never")
            self.block(syntax.statements(node.body), env if known else dict(env), guards if known else never)
            self.block(orelse, dict(env) if known else env, never if known else guards)
            return
        self._branches([syntax.statements(node.body), orelse], [(*guards, "if"), (*guards, "else")], env)

    def _branches(
        self,
        bodies: Sequence[Iterable[cst.CSTNode]],
        guards: Sequence[tuple[str, ...]],
        env: Env,
        keep: bool = False,
    ) -> None:
        ends = [dict(env)] if keep else []
        for body, guard in zip(bodies, guards, strict=True):
            ends.append(dict(env))
            self.block(body, ends[-1], guard)
        env.update(_merge(*ends))

    def _loop(self, node: cst.For | cst.While, env: Env, guards: tuple[str, ...]) -> None:
        self._expression(node.iter if isinstance(node, cst.For) else node.test, env)
        once = dict(env)
        if isinstance(node, cst.For):
            self._bind(node.target, None, _UNKNOWN, once)
        self.block(syntax.statements(node.body), once, (*guards, "loop"))
        env.update(_merge(env, once))
        if node.orelse is not None:
            self.block(syntax.statements(node.orelse.body), env, guards)

    def _with(self, node: cst.With, env: Env, guards: tuple[str, ...]) -> None:
        for item in node.items:
            self._expression(item, env)
        text = " ".join(syntax.code(item.item) for item in node.items)
        suppresses = "suppress" in text
        after = dict(env)
        for item in node.items:
            if item.asname is not None:
                self._bind(item.asname.name, None, _UNKNOWN, after)
        self.block(syntax.statements(node.body), after, (*guards, "try") if suppresses else guards)
        env.update(_merge(env, after) if suppresses else after)

    def _try(self, node: cst.Try | cst.TryStar, env: Env, guards: tuple[str, ...]) -> None:
        caught = {name for h in node.handlers for name in control_flow.handled(h)}
        guarded = (*guards, "try") if caught & control_flow.IMPORT_ERRORS else guards
        tried = dict(env)
        self.block(syntax.statements(node.body), tried, guarded)
        ends = [dict(tried)]
        if node.orelse is not None:
            self.block(syntax.statements(node.orelse.body), ends[0], guards)
        for handler in node.handlers:
            ends.append(_merge(env, tried))
            self.block(syntax.statements(handler.body), ends[-1], (*guards, "except"))
            if control_flow.leaves(handler.body):
                ends.pop()
        env.update(_merge(*ends))
        if node.finalbody is not None:
            self.block(syntax.statements(node.finalbody.body), env, guards)


class _ImportsOnly(_Run):
    """A run through the body of a function or class, of which nothing but the imports is of interest."""

    def values(self, node: cst.CSTNode, env: Env) -> Values:
        return _UNKNOWN

    def _simple(self, node: cst.CSTNode, env: Env) -> None:
        pass

    def _expression(self, root: cst.CSTNode, env: Env) -> None:
        pass

    def _class(self, node: cst.ClassDef, env: Env, guards: tuple[str, ...]) -> None:
        self._inner_imports(node.body, (*guards, "class"))

    def _function(self, node: cst.FunctionDef, env: Env, guards: tuple[str, ...]) -> None:
        self._inner_imports(node.body, (*guards, "function"))
