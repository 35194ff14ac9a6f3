"""Values for the call as its author's example passes them: what its text tells, small, and never run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from cpipe_check.example import Example, ExampleValue
from cpipe_check.smoke import values
from cpipe_check.smoke.values import Setting

_MOST_NUMBERS = 1 << 22


class _Unknown(Exception):
    """The text does not tell what to pass."""


def example_values(example: Example | None, method: str, parameters: Sequence[str], setting: Setting) -> dict[str, Any]:
    """Return values by parameter for a call of `method`, of those arguments that the example tells."""
    if example is None or example.method != method:
        return {}
    found = {}
    for name, value in example.named(parameters).items():
        if name in parameters:
            try:
                found[name] = _make(value, setting)
            except _Unknown:
                continue
    return found


def shown_components(example: Example | None) -> Mapping[str, str]:
    """Return the class's name of each component that the example passes or sets."""
    return {} if example is None else {n: c for n, c in example.components.items() if c.isidentifier() and c != "None"}


def _make(value: ExampleValue, setting: Setting) -> Any:
    match value.kind:
        case "literal":
            return value.value
        case "list":
            return [_make(item, setting) for item in value.items]
        case "tuple":
            return tuple(_make(item, setting) for item in value.items)
        case "dict":
            return dict(zip(value.keys, (_make(item, setting) for item in value.items), strict=True))
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
    return _numbers(value, setting)


def _numbers(value: ExampleValue, setting: Setting) -> Any:
    if value.kind not in ("tensor", "array") or (value.shape and prod(value.shape) > _MOST_NUMBERS):
        raise _Unknown
    if value.items:
        import torch

        tensor = torch.tensor(_make(value.items[0], setting))
    elif value.shape:
        tensor = values.tensor(setting, value.shape)
    else:
        raise _Unknown
    return tensor.cpu().numpy() if value.kind == "array" else tensor.to(setting.device)
