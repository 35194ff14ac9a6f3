"""Values for the call as its author's example passes them: what its text tells, small, and never run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from cpipe_check.example import Example, ExampleValue
from cpipe_check.smoke import values
from cpipe_check.smoke.values import Setting

_MOST_NUMBERS, _MOST_WORDS = 1 << 22, 300


@dataclass(frozen=True, slots=True)
class Known:
    """What only the running pipeline tells: the classes of its file, and what methods called before have returned."""

    classes: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)


class _Unknown(Exception):
    """The text does not tell what to pass."""


def example_values(
    example: Example | None, method: str, parameters: Sequence[str], setting: Setting, known: Known
) -> dict[str, Any]:
    """Return values by parameter for a call of `method`, of those arguments that the example tells.

    What it does not tell without `known` is left out.
    """
    calls = (example, *reversed(example.earlier)) if example is not None else ()
    shown = next((call for call in calls if call.method == method), None)
    found = {}
    for name, value in shown.named(parameters).items() if shown is not None else ():
        if name in parameters:
            try:
                found[name] = _make(value, setting, known)
            except _Unknown:
                continue
    return found


def methods_before(example: Example | None, method: str) -> tuple[str, ...]:
    """Return the methods whose results the example passes on."""
    if example is None or example.method != method:
        return ()
    given = (*example.positional, *example.arguments.values())
    return tuple(dict.fromkeys(value.text for value in given if value.kind == "output" and value.text.isidentifier()))


def example_words(example: Example | None) -> tuple[str, ...]:
    """Return the words of the example's texts, in order, each once."""
    given = (*example.positional, *example.arguments.values()) if example is not None else ()
    found = (word for value in given for text in _texts(value) for word in re.findall(r"[a-z]{2,}", text.lower()))
    return tuple(dict.fromkeys(found))[:_MOST_WORDS]


def _texts(value: ExampleValue) -> Iterator[str]:
    if isinstance(value.value, str):
        yield value.value
    for item in value.items:
        yield from _texts(item)


def shown_components(example: Example | None) -> Mapping[str, str]:
    """Return the class's name of each component that the example passes or sets."""
    return {} if example is None else {n: c for n, c in example.components.items() if c.isidentifier() and c != "None"}


def _make(value: ExampleValue, setting: Setting, known: Known) -> Any:
    match value.kind:
        case "literal":
            return value.value
        case "list":
            return _several(value, setting, known)
        case "tuple":
            return tuple(_make(item, setting, known) for item in value.items)
        case "dict":
            return dict(zip(value.keys, (_make(item, setting, known) for item in value.items), strict=True))
        case "image":
            return values.image(setting)
        case "mask":
            return values.image(setting, "L")
        case "video":
            return values.video(setting)
        case "audio":
            return values.audio()
        case "generator":
            return values.generator(setting)
        case "device":
            return setting.device
        case "output":
            return _result(value, known)
        case "object":
            return _instance(value, setting, known)
    return _numbers(value, setting)


def _result(value: ExampleValue, known: Known) -> Any:
    """What a method returned that was called before."""
    if value.text not in known.results:
        raise _Unknown
    result = known.results[value.text]
    try:
        return result if value.value is None else result[value.value]
    except (TypeError, KeyError, IndexError):
        raise _Unknown from None


def _several(value: ExampleValue, setting: Setting, known: Known) -> list[Any]:
    """A list, without those of its objects that the text does not tell how to make."""
    found = []
    for item in value.items:
        try:
            found.append(_make(item, setting, known))
        except _Unknown:
            if item.kind != "object":
                raise
    if value.items and not found:
        raise _Unknown
    return found


def _instance(value: ExampleValue, setting: Setting, known: Known) -> Any:
    """An object of a class that the file defines, made as the example makes it."""
    cls = known.classes.get(value.text)
    if not isinstance(cls, type):
        raise _Unknown
    given = [(name, _make(item, setting, known)) for name, item in zip(value.keys, value.items, strict=True)]
    try:
        return cls(
            *(item for name, item in given if name is None), **{str(n): item for n, item in given if n is not None}
        )
    except Exception:
        raise _Unknown from None


def _numbers(value: ExampleValue, setting: Setting) -> Any:
    if value.kind not in ("tensor", "array") or (value.shape and prod(value.shape) > _MOST_NUMBERS):
        raise _Unknown
    if value.items:
        import torch

        tensor = torch.tensor(_make(value.items[0], setting, Known()))
    elif value.shape:
        tensor = values.tensor(setting, value.shape)
    else:
        raise _Unknown
    return tensor.cpu().numpy() if value.kind == "array" else tensor.to(setting.device)
