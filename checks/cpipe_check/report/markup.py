"""HTML that is escaped by construction: what is no `Markup` is text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"br", "img", "meta"})


class Markup(str):
    """HTML that may stand in a page as it is."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | int | bool) -> Markup:
    """Return an element. Children that are no `Markup`, and attributes, are escaped.

    `class_` is the attribute `class`, and `aria_label` is `aria-label`; one that is True has no value, one that is
    False or "" is left out.
    """
    shown = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False and value != "")
    return Markup(f"<{name}{shown}>" + ("" if name in _VOID else f"{join(children)}</{name}>"))


def join(parts: Iterable[str]) -> Markup:
    """Return the parts one after the other, those escaped that are no `Markup`."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def _attribute(key: str, value: str | int | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def prose(text: str) -> Markup:
    """Return a message with what stands in its backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return join((text,))
    return join(tag("code", part) if index % 2 else part for index, part in enumerate(parts))
