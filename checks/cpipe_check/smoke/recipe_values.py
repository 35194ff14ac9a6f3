"""What a recipe asks for, made, and what it expects, checked. Runs in the file's own process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cpipe_check.recipe import OMIT, Expected, maker_of
from cpipe_check.smoke import outputs


def call_values(call: Mapping[str, Any], device: str, seed: int) -> dict[str, Any]:
    """Return the keyword arguments that a recipe's `[call]` stands for, without those that it leaves out.

    The same call and seed give the same values in any process; two arguments alike get different numbers.
    """
    kept = ((index, name) for index, name in enumerate(call) if maker_of(call[name]) != OMIT)
    return {name: make(call[name], device, seed + 1000 * index) for index, name in kept}


def make(value: Any, device: str, seed: int) -> Any:
    """Return what a value of `[call]` stands for: what its value maker makes, or itself, with makers in it replaced."""
    maker = maker_of(value)
    if maker in _MAKERS:
        return _MAKERS[maker](value[maker], device, seed)
    if isinstance(value, Mapping):
        return {key: make(item, device, seed + index) for index, (key, item) in enumerate(value.items())}
    if isinstance(value, list):
        return [make(item, device, seed + index) for index, item in enumerate(value)]
    return value


def check_expected(expect: Expected, output: Any) -> None:
    """Check what the call returned against a recipe's `[expect]`.

    Raises:
        BadOutput: when it is something else. The message says what, and what was expected.
    """
    name = type(output).__name__
    if expect.type and name != expect.type:
        raise outputs.BadOutput(f"`__call__` returned a {name}, and the recipe expects a {expect.type}")
    if expect.images is not None and (count := _images(output)) != expect.images:
        raise outputs.BadOutput(f"`__call__` returned {count} images, and the recipe expects {expect.images}")
    if expect.shape is not None:
        first = next(outputs.arrays(output), None)
        shape = None if first is None else tuple(first.shape)
        if shape is None or not _fits(shape, expect.shape):
            got = "no array" if shape is None else f"an array of shape {list(shape)}"
            raise outputs.BadOutput(f"`__call__` returned {got}, and the recipe expects {list(expect.shape)}")


def _fits(shape: Sequence[int], expected: Sequence[int]) -> bool:
    return len(shape) == len(expected) and all(b in (-1, a) for a, b in zip(shape, expected, strict=True))


def _images(output: Any) -> int:
    """The number of images in a return value: of its `images` if it has any, or of a tuple's first item."""
    if isinstance(output, Mapping) and "images" in output:
        return _count(output["images"])
    if isinstance(output, tuple) and output:
        return _count(output[0])
    return _count(getattr(output, "images", output))


def _count(value: Any) -> int:
    from PIL import Image

    if isinstance(value, Image.Image):
        return 1
    if isinstance(value, (list, tuple)):
        return sum(map(_count, value))
    shape = getattr(value, "shape", None)
    if shape is None:
        return 0
    # A batch of arrays has one dimension more than an image.
    return int(shape[0]) if len(shape) > 3 else 1


def _image(size: Sequence[int], turn: int) -> Any:
    """Gradients in three directions, so that no channel is constant; each turn gives another picture."""
    from PIL import Image

    gradient = Image.linear_gradient("L")
    channels = [gradient, gradient.rotate(90), Image.radial_gradient("L")]
    channels = channels[turn % 3 :] + channels[: turn % 3]
    return Image.merge("RGB", channels).rotate(90 * (turn // 3)).resize(tuple(size))


def _mask(size: Sequence[int]) -> Any:
    """White in the middle, black around it."""
    from PIL import Image

    width, height = size
    mask = Image.new("L", (width, height), 0)
    mask.paste(255, (width // 4, height // 4, width - width // 4, height - height // 4))
    return mask


def _several(numbers: Sequence[int]) -> list[Any]:
    count, *size = numbers
    return [_image(size, turn) for turn in range(count)]


def _tensor(shape: Sequence[int], device: str, seed: int) -> Any:
    import torch

    return torch.rand(tuple(shape), generator=torch.Generator("cpu").manual_seed(seed)).to(device)


def _array(shape: Sequence[int], seed: int) -> Any:
    import numpy

    return numpy.random.default_rng(seed).random(tuple(shape), dtype=numpy.float32)


def _generator(seed: int, device: str) -> Any:
    import torch

    # Other devices take a generator of the CPU, as diffusers' examples for them do.
    return torch.Generator(device if device.startswith("cuda") else "cpu").manual_seed(seed)


_MAKERS: Mapping[str | None, Callable[[Any, str, int], Any]] = {
    "image": lambda size, _device, _seed: _image(size, 0),
    "mask": lambda size, _device, _seed: _mask(size),
    "images": lambda numbers, _device, _seed: _several(numbers),
    "video": lambda numbers, _device, _seed: _several(numbers),
    "tensor": _tensor,
    "array": lambda shape, _device, seed: _array(shape, seed),
    "generator": lambda number, device, _seed: _generator(number, device),
}
