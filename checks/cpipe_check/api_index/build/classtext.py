"""What the text says about classes, deprecations and modules without a file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from cpipe_check.api_index.build.ops import ClassText


def class_text(node: ast.ClassDef) -> ClassText:
    """Return bases, ``__init__``, ``_optional_components`` and properties of a class, as its own body has them."""
    init: str | None = None
    optional: tuple[str, ...] | None = None
    backends: tuple[str, ...] | None = None
    readonly: dict[str, bool] = {}
    for child in node.body:
        match child:
            case ast.FunctionDef(name=name, args=args, decorator_list=decorators):
                init = pack_signature(args) if name == "__init__" else init
                readonly[name] = "property" in [ast.unparse(decorator) for decorator in decorators]
            case ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                readonly[name] = False
            case ast.Assign(targets=targets, value=value):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                readonly.update(dict.fromkeys(names, False))
                optional = _literal(value) if "_optional_components" in names else optional
                backends = _literal(value) if "_backends" in names else backends
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                readonly[name] = False
                optional = _literal(value) if name == "_optional_components" else optional
    return ClassText(
        bases=tuple(_dotted(base) for base in node.bases),
        init=init,
        optional=optional,
        readonly=tuple(name for name, fixed in readonly.items() if fixed),
        settable=tuple(name for name, fixed in readonly.items() if not fixed),
        backends=backends,
    )


def pack_signature(args: ast.arguments) -> str:
    """Return the parameters after ``self`` as ``a,b=,*c,d=,**e``; ``=`` marks a default, a bare ``*`` as in Python."""
    positional = [*args.posonlyargs, *args.args]
    first_default = len(positional) - len(args.defaults)
    parts = [arg.arg + ("=" if index >= first_default else "") for index, arg in enumerate(positional)][1:]
    if args.vararg:
        parts.append("*" + args.vararg.arg)
    elif args.kwonlyargs:
        parts.append("*")
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        parts.append(arg.arg + ("=" if default is not None else ""))
    if args.kwarg:
        parts.append("**" + args.kwarg.arg)
    return ",".join(parts)


def _literal(node: ast.expr) -> tuple[str, ...] | None:
    if isinstance(node, ast.List | ast.Tuple) and all(isinstance(elt, ast.Constant) for elt in node.elts):
        return tuple(str(elt.value) for elt in node.elts if isinstance(elt, ast.Constant))
    return None


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _dotted(node.value)
    text = ast.unparse(node)
    return text if re.fullmatch(r"\w+(\.\w+)*", text) else "?"


def deprecations(tree: ast.Module) -> dict[str, str]:
    """Return name -> release that drops it, from ``deprecate("name", "1.2.3", ...)``; the key ``""`` is the module.

    A call counts at module level, in a function of that name, and in the ``__init__`` of a class of that name;
    elsewhere it is about an argument. For the convention see ``diffusers.utils.deprecation_utils.deprecate``.
    """
    found: dict[str, str] = {}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name):
                _note_calls(name, node.body, found)
            case ast.ClassDef(name=name, body=body):
                for child in body:
                    if isinstance(child, ast.FunctionDef) and child.name in ("__init__", "__new__"):
                        _note_calls(name, child.body, found)
            case ast.Expr(value=ast.Call() as call):
                for _, release in _announced(call):
                    found[""] = release
    return found


def _note_calls(name: str, body: list[ast.stmt], found: dict[str, str]) -> None:
    for statement in body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            for subject, release in _announced(statement.value):
                if re.search(rf"\b{re.escape(name)}\b", subject):
                    found[name] = release


def _announced(call: ast.Call) -> Iterator[tuple[str, str]]:
    if ast.unparse(call.func).rpartition(".")[2] != "deprecate" or len(call.args) < 2:
        return
    subject, release = call.args[0], call.args[1]
    if isinstance(release, ast.Constant) and re.fullmatch(r"\d+(\.\d+)+", str(release.value)):
        yield ast.unparse(subject), str(release.value)


def shim_patterns(tree: ast.Module) -> tuple[str, ...]:
    """Return the names (``x``) and endings (``_x``) of modules that this file serves without a file of their own.

    transformers 5 puts aliases into ``sys.modules`` under computed names, or a finder on ``sys.meta_path``; the last
    parts of the strings around that code bound what it can serve.
    """
    parts: set[str] = set()
    for block in _blocks(tree.body):
        text = "\n".join(ast.unparse(node) for node in block)
        if not re.search(r"sys\.modules\[(?!__name__)[^'\"]|sys\.meta_path\.append", text):
            continue
        for node in block:
            for child in ast.walk(node):
                if isinstance(child, ast.Constant) and isinstance(child.value, str):
                    parts |= set(re.findall(r"(?:^|\.|\W)(\w+_\w+)$", child.value))
                    parts |= set(re.findall(r"(?:^|\))(_[a-z]+)$", child.value))
    return tuple(sorted(part for part in parts if not part.startswith("__")))


def _blocks(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    for node in body:
        if isinstance(node, ast.If):
            yield node.body
            yield node.orelse
