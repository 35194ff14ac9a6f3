"""The arguments of the one call, made from the signature of `__call__`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cpipe_check.smoke.job import Argument

STEPS = 2
_IMAGE = re.compile(r"(^|_)(image|images|img|imgs|picture|photo|init_image|control_image|map)$")
_MASK = re.compile(r"(^|_)mask(_image|s)?$|^mask")
_PROMPT = re.compile(r"(^|_)(prompt|prompts|text|caption)(_\d)?$")
# Optional parameters that are given all the same: most calls need the prompt, whatever its default says; the others
# make the call small, quick and repeatable.
_ALWAYS = frozenset({"prompt", "num_inference_steps", "steps", "num_steps", "generator"})
_SIZES = frozenset({"height", "width"})


class NoInput(Exception):
    """No value can be made for a required parameter of `__call__`. The message names it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What inputs are made for: the image size in pixels, whether the reference sets it, the device and the seed."""

    image_size: int
    size_known: bool
    device: str
    seed: int


def call_arguments(arguments: Sequence[Argument], setting: Setting) -> dict[str, Any]:
    """Return keyword arguments for one call: every required parameter, and the few that keep the call small.

    Raises:
        NoInput: when a required parameter's name and annotation do not tell what it takes.
    """
    values: dict[str, Any] = {}
    for argument in arguments:
        if argument.kind in ("*", "**"):
            continue
        wanted = argument.required or argument.name in _ALWAYS or (setting.size_known and argument.name in _SIZES)
        if wanted:
            values[argument.name] = _value(argument, setting)
    return values


def _value(argument: Argument, setting: Setting) -> Any:
    annotation = argument.annotation or ""
    by_name = _by_name(argument.name, annotation, setting)
    if by_name is not None:
        return by_name
    for pattern, value in _BY_ANNOTATION:
        if re.search(pattern, annotation):
            return value(setting)
    raise NoInput(f"no input for the call's parameter `{argument.name}`" + (f" ({annotation})" if annotation else ""))


def _by_name(name: str, annotation: str, setting: Setting) -> Any:
    match name:
        case "num_inference_steps" | "steps" | "num_steps":
            return STEPS
        case "generator":
            return _generator(setting)
        case "height" | "width":
            return setting.image_size
        case "batch_size" | "num_images_per_prompt" | "num_images":
            return 1
        case "strength":
            return 0.8
        case "guidance_scale" | "cfg_scale":
            return 5.0
    if _PROMPT.search(name):
        return ["a photo of a cat"] if annotation.lower().startswith("list") else "a photo of a cat"
    if _MASK.search(name):
        return _image(setting, "L")
    if _IMAGE.search(name):
        return _image(setting, "RGB")
    return None


def _generator(setting: Setting) -> Any:
    import torch

    return torch.Generator(setting.device if setting.device.startswith("cuda") else "cpu").manual_seed(setting.seed)


def _image(setting: Setting, mode: str) -> Any:
    """A gradient, so that neither black nor white images nor empty masks come about."""
    from PIL import Image

    return Image.linear_gradient("L").resize((setting.image_size, setting.image_size)).convert(mode)


def _tensor(setting: Setting) -> Any:
    import torch

    generator = torch.Generator("cpu").manual_seed(setting.seed)
    return torch.rand((1, 3, setting.image_size, setting.image_size), generator=generator).to(setting.device)


_BY_ANNOTATION: tuple[tuple[str, Callable[[Setting], Any]], ...] = (
    (r"\bImage\b", lambda setting: _image(setting, "RGB")),
    (r"\b(Tensor|FloatTensor)\b", _tensor),
    (r"\bbool\b", lambda _: False),
    (r"\bint\b", lambda _: 1),
    (r"\bfloat\b", lambda _: 0.5),
    (r"\bstr\b", lambda _: "a photo of a cat"),
)
