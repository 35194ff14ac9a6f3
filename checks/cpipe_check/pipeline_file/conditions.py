"""Conditions at module level that depend on the installed releases: on which of them they hold."""

from __future__ import annotations

import libcst as cst
from packaging.version import Version

from cpipe_check.api_index.target import LIBRARIES, Target
from cpipe_check.pipeline_file import control_flow, syntax

_OPERATORS = {
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.Equal: "==",
    cst.NotEqual: "!=",
}
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
# These packages count as installed.
_AVAILABLE = frozenset({"is_torch_available", "is_transformers_available", "is_accelerate_available"})


class Conditions:
    """Evaluates conditions on all releases of `library` at once, the other library being at its target release."""

    def __init__(self, target: Target, library: str) -> None:
        self._target = target
        self._library = library
        self._everything = target.choice(library).everything

    def evaluate(self, test: cst.BaseExpression) -> tuple[int, int]:
        """Return the set of releases on which a condition holds, and the set on which it does not."""
        known = control_flow.constant(test)
        if known is not None:
            return (self._everything, 0) if known else (0, self._everything)
        match test:
            case cst.UnaryOperation(operator=cst.Not(), expression=expression):
                yes, no = self.evaluate(expression)
                return no, yes
            case cst.BooleanOperation(left=left, operator=operator, right=right):
                (yes, no), (yes_too, no_too) = self.evaluate(left), self.evaluate(right)
                return (yes & yes_too, no | no_too) if isinstance(operator, cst.And) else (yes | yes_too, no & no_too)
            case cst.Call(func=func, args=args):
                return self._called(syntax.dotted(func) or "", [syntax.string_value(arg.value) for arg in args])
            case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=operator, comparator=right)]):
                return self._compared(left, _OPERATORS.get(type(operator)), right)
        return 0, 0

    def compare(self, library: str, operator: str, version: str) -> int | None:
        """Return the releases of our library on which `library`'s release compares so, None for no version."""
        try:
            wanted = Version(version)
        except ValueError:
            # InvalidVersion, or a number of more digits than Python converts.
            return None
        choice = self._target.choice(library)
        found = 0
        for i, release in enumerate(choice.versions):
            if release == "source":
                return None
            if _holds(Version(release), operator, wanted):
                found |= 1 << i
        if library == self._library:
            return found
        return self._everything if found & choice.bit else 0

    def _called(self, name: str, arguments: list[str | None]) -> tuple[int, int]:
        name = name.rpartition(".")[2]
        if name in _AVAILABLE:
            return self._everything, 0
        for library in LIBRARIES:
            if name == f"is_{library}_version" and len(arguments) == 2:
                operator, version = arguments
                return self._both(library, operator or "", version or "")
        return 0, 0

    def _compared(self, left: cst.BaseExpression, operator: str | None, right: cst.BaseExpression) -> tuple[int, int]:
        if operator is None:
            return 0, 0
        for ours, theirs, op in ((left, right, operator), (right, left, _SWAPPED[operator])):
            library, version = _library_of(_argument(ours)), syntax.string_value(_argument(theirs))
            # Two strings would compare letter by letter, which nobody means: only parsed versions are followed.
            if library and version and isinstance(ours, cst.Call) and isinstance(theirs, cst.Call):
                return self._both(library, op, version)
        return 0, 0

    def _both(self, library: str, operator: str, version: str) -> tuple[int, int]:
        if operator not in _SWAPPED:
            return 0, 0
        yes = self.compare(library, operator, version)
        return (0, 0) if yes is None else (yes, self._everything & ~yes)


def _argument(node: cst.BaseExpression) -> cst.BaseExpression:
    """`version.parse(x)` and `Version(x)` give `x`."""
    if isinstance(node, cst.Call) and len(node.args) == 1:
        name = (syntax.dotted(node.func) or "").rpartition(".")[2]
        if name in ("parse", "Version", "LooseVersion", "parse_version"):
            return node.args[0].value
    return node


def _library_of(node: cst.BaseExpression) -> str | None:
    return next((library for library in LIBRARIES if syntax.dotted(node) == f"{library}.__version__"), None)


def _holds(left: Version, operator: str, right: Version) -> bool:
    match operator:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
        case _:
            return left != right
