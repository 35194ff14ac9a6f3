"""Three-valued conditions: what an ``if`` is when the core packages are installed and nothing else is known."""

from __future__ import annotations

import ast

from cpipe_check.api_index.model import CORE

_FALSE_NAMES = frozenset({"TYPE_CHECKING", "DIFFUSERS_SLOW_IMPORT"})
_OLDEST_PYTHON = (3, 8)


def truth(test: ast.expr) -> bool | None:
    """Return what ``test`` evaluates to, or ``None`` where that depends on the environment."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = truth(operand)
            return None if inner is None else not inner
        case ast.BoolOp(op=op, values=values):
            return _combine([truth(value) for value in values], isinstance(op, ast.Or))
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _FALSE_NAMES:
            return False
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[], keywords=[]):
            backend = name.removeprefix("is_").removesuffix("_available")
            return True if name == f"is_{backend}_available" and backend in CORE else None
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return False
        case ast.Compare(
            left=ast.Attribute(value=ast.Name(id="sys"), attr="version_info"),
            ops=[op],
            comparators=[ast.Tuple(elts=elts)],
        ):
            return _python(op, elts)
    return None


def _combine(values: list[bool | None], decisive: bool) -> bool | None:
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _python(op: ast.cmpop, elts: list[ast.expr]) -> bool | None:
    bound = tuple(elt.value for elt in elts if isinstance(elt, ast.Constant) and isinstance(elt.value, int))
    if len(bound) != len(elts) or bound > _OLDEST_PYTHON:
        return None
    if isinstance(op, ast.GtE):
        return True
    return False if isinstance(op, ast.Lt) else None
