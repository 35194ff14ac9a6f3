"""Which findings count: those of the rules selected, and which of them make a run fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

FailOn = Literal["error", "warning", "never"]
FAIL_ON: tuple[FailOn, ...] = get_args(FailOn)
_ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules whose findings are shown, by prefixes of their codes, and the least that makes a run fail.

    Without `select` all rules are selected. Of prefixes that both select and ignore a rule the longest decides, and
    `ignore` between two of one length. `fail_on` is "error" (and a failed smoke-load), "warning" or "never".
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: FailOn = "warning"

    def takes(self, code: str) -> bool:
        """Tell whether the findings of a rule count."""
        selected = _longest(code, self.select or (_ALL,))
        return selected > _longest(code, self.ignore)


EVERYTHING = Selection()


def codes(text: str) -> tuple[str, ...]:
    """Return the prefixes of codes in a list with commas, in capitals."""
    return tuple(code.strip().upper() for code in text.split(",") if code.strip())


def unknown(prefixes: Iterable[str]) -> str:
    """Return a message that names the prefixes that no rule's code begins with, "" when there are none."""
    from cpipe_check.rules import RULES

    known = [rule.code for rule in RULES]
    strange = [p for p in prefixes if p != _ALL and not any(code.startswith(p) for code in known)]
    if not strange:
        return ""
    return (
        f"no rule {', '.join(map(repr, strange))}; there are {', '.join(known)}, their beginnings such as CP3, and ALL"
    )


def _longest(code: str, prefixes: Iterable[str]) -> int:
    """How much of a code the longest prefix that fits it has, -1 when none does."""
    return max((0 if p == _ALL else len(p) for p in prefixes if p == _ALL or code.startswith(p)), default=-1)
