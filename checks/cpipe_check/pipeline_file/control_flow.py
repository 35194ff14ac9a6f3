"""Small questions about imports and conditions, as the loader meets them."""

from __future__ import annotations

import libcst as cst

from cpipe_check.pipeline_file import syntax


def alias(node: cst.ImportAlias) -> str | None:
    """Return the name after `as`, None when there is none."""
    return syntax.dotted(node.asname.name) if node.asname else None


def handled(handler: cst.ExceptHandler | cst.ExceptStarHandler) -> set[str]:
    """Return the names of the exceptions that a handler catches."""
    if handler.type is None:
        return {"BaseException"}
    return {n.value for n in syntax.walk(handler.type) if isinstance(n, cst.Name)}


def leaves(body: cst.BaseSuite) -> bool:
    """Return whether a block always ends in `raise`: what it binds is never seen."""
    return isinstance(next(reversed(list(syntax.statements(body))), None), cst.Raise)


def constant(test: cst.BaseExpression, text: str) -> bool | None:
    """Return the value of a condition that the loader always sees the same way, None for any other."""
    if text in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "False", "0"):
        return False
    if text in ("True", "1"):
        return True
    compact = text.replace("'", '"').replace(" ", "")
    if compact in ('__name__=="__main__"', '"__main__"==__name__'):
        return False
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        inner = constant(test.expression, syntax.code(test.expression))
        return None if inner is None else not inner
    return None
