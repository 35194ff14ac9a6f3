"""Small questions about imports and conditions, as the loader meets them."""

from __future__ import annotations

import libcst as cst

from cpipe_check.pipeline_file import syntax

# A handler for one of these catches a failed import.
IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


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


def constant(test: cst.BaseExpression) -> bool | None:
    """Return the value of a condition that the loader always sees the same way, None for any other."""
    match test:
        case cst.Name(value="TYPE_CHECKING" | "False") | cst.Integer(value="0"):
            return False
        case cst.Name(value="True") | cst.Integer(value="1"):
            return True
        case cst.Attribute(attr=cst.Name(value="TYPE_CHECKING")):
            return False
        case cst.UnaryOperation(operator=cst.Not(), expression=expression):
            inner = constant(expression)
            return None if inner is None else not inner
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=cst.Equal(), comparator=right)]):
            # A pipeline file is imported, never run as the main program.
            sides = {
                syntax.dotted(left) or syntax.string_value(left),
                syntax.dotted(right) or syntax.string_value(right),
            }
            return False if sides == {"__name__", "__main__"} else None
    return None
