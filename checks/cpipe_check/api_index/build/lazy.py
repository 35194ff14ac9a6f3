"""Lazy modules: the statements that fill an ``_import_structure`` and put a ``_LazyModule`` in the module's place.

The shapes are those of ``utils.import_utils._LazyModule`` in diffusers 0.21 and newer and transformers 4.x and 5.x.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cpipe_check.api_index.build.ops import Export, ExportAll, ExportTree, Install, Op, Open


@dataclass(frozen=True, slots=True)
class LazyNames:
    """The variables of one module that hold an import structure, and those that hold ready-made objects."""

    structures: frozenset[str]
    objects: frozenset[str]

    @staticmethod
    def of(tree: ast.Module) -> LazyNames:
        """Find them: what ``_LazyModule`` is called with, and what is copied on to the module afterwards."""
        structures = {"_import_structure", "import_structure"}
        objects = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_lazy_module(node):
                structures |= {arg.id for arg in node.args[2:3] if isinstance(arg, ast.Name)}
            elif isinstance(node, ast.For) and "setattr(sys.modules[__name__]" in ast.unparse(node):
                objects |= {child.id for child in ast.walk(node.iter) if isinstance(child, ast.Name)}
        return LazyNames(frozenset(structures), frozenset(objects))

    def copies(self, node: ast.For | ast.AsyncFor) -> bool:
        """Tell whether a loop only copies ready-made objects on to the module."""
        return any(isinstance(child, ast.Name) and child.id in self.objects for child in ast.walk(node.iter))


def lazy_ops(node: ast.stmt, lazy: LazyNames) -> Iterator[Op]:
    """Yield what a simple statement does to the lazy module; nothing for any other statement."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in lazy.structures:
            yield from _whole(value)
        case (
            ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)], value=value)
            | ast.AugAssign(target=ast.Subscript(value=ast.Name(id=name), slice=key), value=value)
        ):
            if name in lazy.structures:
                yield from _entry(key, value)
            elif name in lazy.objects:
                yield _ready(key)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=holder, attr=method), args=args)):
            yield from _method(holder, method, args, lazy)
        case ast.Assign(targets=[ast.Subscript(value=ast.Attribute(attr="modules"))], value=ast.Call() as call):
            if _is_lazy_module(call):
                yield from _install(call)


def _is_lazy_module(node: ast.Call) -> bool:
    return ast.unparse(node.func).endswith("_LazyModule") and len(node.args) >= 3


def _strings(node: ast.expr) -> tuple[str, ...] | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    elements = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else None
    if elements is None or not all(isinstance(elt, ast.Constant) and isinstance(elt.value, str) for elt in elements):
        return None
    return tuple(str(elt.value) for elt in elements if isinstance(elt, ast.Constant))


def _whole(value: ast.expr) -> Iterator[Op]:
    match value:
        case ast.Dict(keys=keys, values=values):
            for key, names in zip(keys, values, strict=True):
                yield from _entry(key, names) if key is not None else (Open(),)
        case ast.Call(func=ast.Name(id="define_import_structure")):
            yield _tree(value)
        case ast.DictComp():
            pass
        case _:
            yield Open()


def _tree(call: ast.Call) -> ExportTree:
    prefix = [str(k.value.value) for k in call.keywords if k.arg == "prefix" and isinstance(k.value, ast.Constant)]
    return ExportTree(prefix[0].replace(".", "/") if prefix else "")


def _entry(key: ast.expr, value: ast.expr) -> Iterator[Op]:
    names = _strings(value)
    if isinstance(key, ast.Constant) and isinstance(key.value, str) and names is not None:
        yield Export(key.value, names)
    elif match := re.match(r"\[(\w+) for \1 in dir\((\w+)\) if not \1\.startswith\('_'\)\]", ast.unparse(value)):
        yield ExportAll(match[2])
    else:
        yield Open()


def _ready(key: ast.expr | None) -> Op:
    return Export("", (str(key.value),)) if isinstance(key, ast.Constant) else Open()


def _method(holder: ast.expr, method: str, args: list[ast.expr], lazy: LazyNames) -> Iterator[Op]:
    match holder, method, args:
        case ast.Subscript(value=ast.Name(id=name), slice=key), "append" | "extend", [value] if name in lazy.structures:
            yield from _entry(key, value)
        case ast.Name(id=name), "update", [value] if name in lazy.structures:
            yield from _whole(value)
        case ast.Name(id=name), "update", [ast.Dict(keys=keys)] if name in lazy.objects:
            yield from (_ready(key) for key in keys)
        case ast.Name(id=name), "update", [ast.Call(args=[ast.Name(id=module)])] if name in lazy.objects:
            yield ExportAll(module)
        case ast.Name(id=name), "update", _ if name in lazy.objects:
            yield Open()


def _install(call: ast.Call) -> Iterator[Op]:
    structure = call.args[2]
    if not isinstance(structure, ast.Name):
        yield from _whole(structure)
    extra = ["__version__"]
    for keyword in call.keywords:
        if keyword.arg == "extra_objects" and isinstance(keyword.value, ast.Dict):
            extra += [str(key.value) for key in keyword.value.keys if isinstance(key, ast.Constant)]
        elif keyword.arg == "explicit_import_shortcut" and isinstance(keyword.value, ast.Dict):
            extra += [name for value in keyword.value.values for name in _strings(value) or ()]
    has_version = any(keyword.arg == "extra_objects" for keyword in call.keywords)
    yield Install(tuple(extra if has_version else extra[1:]))
