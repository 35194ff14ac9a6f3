"""Facts about one class or function definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import libcst as cst

from cpipe_check.pipeline_file import syntax
from cpipe_check.pipeline_file.facts import Base, Class, Function, Parameter, Special, Values


def function_of(node: cst.FunctionDef, *, method: bool = False) -> Function:
    """Return the facts about a function; for a method its first parameter is left out, unless it is a static method."""
    decorators = tuple(syntax.code(d.decorator) for d in node.decorators)
    parameters = tuple(_parameters(node.params))
    if method and "staticmethod" not in decorators and parameters and parameters[0].kind == "positional":
        parameters = parameters[1:]
    return Function(node.name.value, parameters, decorators, node)


def _parameters(node: cst.Parameters) -> Iterator[Parameter]:
    for param in (*node.posonly_params, *node.params):
        yield _parameter(param, "positional")
    if isinstance(node.star_arg, cst.Param):
        yield _parameter(node.star_arg, "*")
    for param in node.kwonly_params:
        yield _parameter(param, "keyword")
    if node.star_kwarg is not None:
        yield _parameter(node.star_kwarg, "**")


def _parameter(node: cst.Param, kind: str) -> Parameter:
    annotation = syntax.code(node.annotation.annotation) if node.annotation else None
    default = syntax.code(node.default) if node.default else None
    return Parameter(node.name.value, kind, annotation, default, node.name)


def class_of(node: cst.ClassDef, resolve: Callable[[cst.CSTNode], Values]) -> Class:
    """Return the facts about a class; `resolve` tells what a base expression may be bound to."""
    methods: dict[str, cst.FunctionDef] = {}
    attributes: dict[str, cst.BaseExpression | None] = {}
    for statement in _class_statements(node.body):
        match statement:
            case cst.FunctionDef(name=cst.Name(value=name)):
                methods[name] = statement
            case cst.ClassDef(name=cst.Name(value=name)):
                attributes[name] = None
            case cst.Assign(targets=targets, value=value):
                for target in targets:
                    for part in syntax.walk(target.target):
                        if isinstance(part, cst.Name):
                            attributes[part.value] = value if target.target is part else None
            case cst.AnnAssign(target=cst.Name(value=name), value=cst.BaseExpression() as value):
                attributes[name] = value
    return Class(
        name=node.name.value,
        bases=tuple(_base(base, resolve) for base in node.bases),
        keywords=tuple(k.keyword.value if k.keyword else "**" for k in node.keywords),
        decorators=tuple(syntax.code(d.decorator) for d in node.decorators),
        methods=methods,
        attributes=attributes,
        node=node,
    )


def _base(arg: cst.Arg, resolve: Callable[[cst.CSTNode], Values]) -> Base:
    return Base(syntax.code(arg.value), frozenset({Special.UNKNOWN}) if arg.star else resolve(arg.value))


def _class_statements(body: cst.BaseSuite) -> Iterator[cst.CSTNode]:
    """Yield the statements of a class body, those inside its compound statements too."""
    for statement in syntax.statements(body):
        if isinstance(statement, (cst.FunctionDef, cst.ClassDef)) or not isinstance(
            statement, cst.BaseCompoundStatement
        ):
            yield statement
        else:
            for child in syntax.walk(statement, skip=(cst.FunctionDef, cst.ClassDef)):
                if isinstance(child, (cst.FunctionDef, cst.ClassDef, cst.Assign, cst.AnnAssign)):
                    yield child
