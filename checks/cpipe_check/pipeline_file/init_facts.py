"""What an `__init__` does with its components: what it registers, forwards and reads, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from cpipe_check.pipeline_file import syntax
from cpipe_check.pipeline_file.facts import Function

# Below these, an expression may never be evaluated, or only later.
_UNCERTAIN = (cst.Lambda, cst.IfExp, cst.BooleanOperation, cst.FunctionDef, cst.ClassDef, cst.BaseComp)


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """A call of `self.register_modules` or `self.register_to_config`: its keywords, and whether `**` hides more."""

    keywords: tuple[tuple[str, cst.CSTNode], ...]
    hides_more: bool
    node: cst.Call


@dataclass(frozen=True, slots=True, eq=False)
class SuperCall:
    """A call `super().NAME(...)` or `super.NAME(...)` (then `bare` is True)."""

    name: str
    bare: bool
    arguments: int
    node: cst.Call
    name_node: cst.Name


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One certain event of the body, in order. `kind` is "read", "write", "modules", "config", "super", "call" or
    "end".

    "end" stands for a statement that may do anything: what follows is not certain any more.
    """

    kind: str
    name: str
    node: cst.CSTNode


@dataclass(frozen=True, slots=True, eq=False)
class InitFacts:
    """The facts about one `__init__`."""

    function: Function
    modules: tuple[Registration, ...]
    configs: tuple[Registration, ...]
    super_calls: tuple[SuperCall, ...]
    calls_base_init: bool
    steps: tuple[Step, ...]

    @property
    def registered(self) -> frozenset[str]:
        """The names given to `register_modules` or `register_to_config`."""
        return frozenset(name for r in (*self.modules, *self.configs) for name, _ in r.keywords)

    @property
    def hides_more(self) -> bool:
        """True when what is registered cannot be read off the calls."""
        return any(r.hides_more for r in (*self.modules, *self.configs)) or any(
            d.rpartition(".")[2].partition("(")[0] == "register_to_config" for d in self.function.decorators
        )

    def components_error(self) -> str:
        """Return what `pipe.components` raises when the registered names are not the required parameters.

        As `DiffusionPipeline.components` of diffusers 0.42 says it. Optional components would be among the expected.
        """
        optional = {p.name for p in self.function.parameters if not p.required}
        expected = sorted(p.name for p in self.function.parameters if p.required)
        actual = sorted(name for name in self.registered - optional if not name.startswith("_"))
        return f"is incorrectly implemented. Expected {expected} to be defined, but {actual} are defined."


def init_facts(function: Function) -> InitFacts:
    """Return the facts about an `__init__`."""
    modules: list[Registration] = []
    configs: list[Registration] = []
    supers: list[SuperCall] = []
    base_init = False
    for node in syntax.walk(function.node.body):
        if not isinstance(node, cst.Call):
            continue
        target = syntax.dotted(node.func)
        if target == "self.register_modules":
            modules.append(_registration(node))
        elif target == "self.register_to_config":
            configs.append(_registration(node))
        elif super_call := _super_call(node):
            supers.append(super_call)
            base_init |= super_call.name == "__init__" and not super_call.bare
        elif target and target.endswith(".__init__"):
            base_init = True
    steps = tuple(_steps(function.node.body))
    return InitFacts(function, tuple(modules), tuple(configs), tuple(supers), base_init, steps)


def _registration(node: cst.Call) -> Registration:
    keywords = tuple((arg.keyword.value, arg.keyword) for arg in node.args if arg.keyword is not None)
    return Registration(keywords, len(keywords) != len(node.args), node)


def _super_call(node: cst.Call) -> SuperCall | None:
    match node.func:
        case cst.Attribute(value=cst.Call(func=cst.Name("super")), attr=cst.Name(value=name) as attr):
            return SuperCall(name, False, len(node.args), node, attr)
        case cst.Attribute(value=cst.Name("super"), attr=cst.Name(value=name) as attr):
            return SuperCall(name, True, len(node.args), node, attr)
    return None


def _steps(body: cst.BaseSuite) -> Iterator[Step]:
    for statement in syntax.statements(body):
        match statement:
            case cst.Expr(value=value):
                yield from _reads(value)
            case cst.Assign(targets=targets, value=value):
                yield from _reads(value)
                for target in targets:
                    yield from _target(target.target)
            case cst.AnnAssign(target=target, value=cst.BaseExpression() as value):
                yield from _reads(value)
                yield from _target(target)
            case cst.AugAssign(target=target, value=value):
                yield from _reads(target)
                yield from _reads(value)
                yield from _target(target)
            case cst.If(test=test):
                yield from _reads(test)
                if _is_harmless(statement):
                    continue
                yield Step("end", "", statement)
                return
            case cst.Pass() | cst.Import() | cst.ImportFrom() | cst.FunctionDef() | cst.AnnAssign() | cst.Global():
                continue
            case _:
                yield Step("end", "", statement)
                return


def _is_harmless(statement: cst.If) -> bool:
    """True for an `if` that can neither register, set nor leave: a deprecation warning, a check that raises."""
    for node in syntax.walk(statement):
        if isinstance(node, (cst.Return, cst.Try, cst.For, cst.While, cst.With)):
            return False
        if isinstance(node, cst.Name) and node.value in ("self", "super"):
            return False
    return True


def _target(node: cst.BaseExpression) -> Iterator[Step]:
    match node:
        case cst.Attribute(value=cst.Name("self"), attr=cst.Name(value=name)):
            yield Step("write", name, node)
        case cst.Name():
            return
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                yield from _target(element.value)
        case _:
            yield from _reads(node)


def _reads(root: cst.CSTNode) -> Iterator[Step]:
    """Yield what evaluating an expression certainly does, roughly in order: arguments before the call itself."""
    if isinstance(root, _UNCERTAIN):
        return
    match root:
        case cst.Attribute(value=cst.Name("self"), attr=cst.Name(value=name)):
            yield Step("read", name, root)
        case cst.Call(args=args, func=func):
            for arg in args:
                yield from _reads(arg.value)
            target = syntax.dotted(func) or ""
            if _super_call(root):
                yield Step("super", func.attr.value if isinstance(func, cst.Attribute) else "", root)
            elif target in ("self.register_modules", "self.register_to_config"):
                yield Step("modules" if target.endswith("modules") else "config", "", root)
            elif target.startswith("self.") and target.count(".") == 1:
                yield Step("call", target[5:], root)
            elif target.endswith(".__init__") or any(syntax.dotted(a.value) == "self" for a in args):
                yield Step("end", "", root)
            else:
                yield from _reads(func)
        case _:
            for child in syntax.children(root):
                yield from _reads(child)
