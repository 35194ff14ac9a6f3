"""What attempts found out, and its checked way through JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from cpipe_check.smoke.values import FORMS

_LARGEST = 1 << 14
_ASKED = frozenset({
    "channels", "cross", "added", "image_size", "frames", "layers", "vision_size", "guidance", "text_width", "steps",
    "words", "parts", "control",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Changes:
    """What attempts found out.

    Sizes asked for, optional components with their classes ("" for what the text tells), arguments to give, methods to
    call before, the forms to give pictures in, whether to pass over the author's example, whether to shorten its lists
    to one item, and whether to leave the sizes as its author has them.
    """

    asked: Mapping[str, int] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    give: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    forms: Mapping[str, str] = field(default_factory=dict)
    no_example: bool = False
    shortened: bool = False
    author_sizes: bool = False

    def to_object(self) -> dict[str, Any]:
        """Return the changes as a JSON object."""
        return {**asdict(self), "give": list(self.give), "before": list(self.before)}


def changes_from(value: object) -> Changes:
    """Return the changes that `to_object` wrote, having checked them: a file's own process may have sent them.

    Raises:
        ValueError: for anything else.
    """
    if value == {}:
        return Changes()
    if not isinstance(value, dict) or value.keys() != _KEYS:
        raise ValueError("no changes of ours")
    match value:
        case {
            "asked": dict(asked),
            "also": dict(also),
            "give": list(give),
            "before": list(before),
            "forms": dict(forms),
            "no_example": bool(no_example),
            "shortened": bool(shortened),
            "author_sizes": bool(author_sizes),
        }:
            names = [*also, *(name for name in also.values() if name != ""), *give, *before, *forms]
            sizes = asked.keys() <= _ASKED and all(type(n) is int and 0 < n <= _LARGEST for n in asked.values())
            if sizes and _are_names(names) and all(form in FORMS for form in forms.values()):
                return Changes(asked, also, tuple(give), tuple(before), forms, no_example, shortened, author_sizes)
    raise ValueError("no changes of ours")


_KEYS = {each.name for each in fields(Changes)}


def _are_names(values: Sequence[object]) -> bool:
    named = all(isinstance(value, str) and value.isidentifier() and len(value) < 100 for value in values)
    return named and len(values) <= 200


def ask(changes: Changes, name: str, number: int) -> tuple[Changes, str] | None:
    """Return the changes with a size asked for and a few words on it, None when that is no size or nothing new."""
    if changes.asked.get(name) == number or not 0 < number <= _LARGEST:
        return None
    return replace(changes, asked={**changes.asked, name: number}), f"{name.replace('_', ' ')} {number}"
