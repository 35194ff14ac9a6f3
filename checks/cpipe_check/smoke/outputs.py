"""What a call returned: described, checked, compared. Runs in the file's own process."""

from __future__ import annotations

import itertools
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_ARRAYS, MAX_NUMBERS = 16, 1 << 22
_MAX_TEXT = 400


class BadOutput(Exception):
    """The call returned what no user can use. The message says what."""


def arrays(value: Any, depth: int = 4) -> Iterator[Any]:
    """Yield every tensor, array and image in a return value, as a numpy array on the CPU; bf16 as float32."""
    import numpy
    import torch
    from PIL import Image

    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu()
        yield (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    elif isinstance(value, numpy.ndarray):
        yield value
    elif isinstance(value, Image.Image):
        yield numpy.asarray(value)
    elif depth and (items := _fields(value)) is not None:
        for item in items.values():
            yield from arrays(item, depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays(item, depth - 1)


def _fields(value: Any) -> Mapping[Any, Any] | None:
    """The items of a mapping, or the attributes of an object that a file made up to hold its results."""
    if isinstance(value, Mapping):
        return value
    made_up = type(value).__module__.startswith("diffusers_modules") and not callable(value)
    return vars(value) if made_up and hasattr(value, "__dict__") else None


def check(value: Any) -> None:
    """Check that a return value can be used.

    Raises:
        BadOutput: when it is nothing, a generator, empty, or holds numbers that are not finite.
    """
    import numpy

    if value is None:
        raise BadOutput("`__call__` returned None")
    if isinstance(value, (types.GeneratorType, types.CoroutineType)):
        raise BadOutput(f"`__call__` returned a {type(value).__name__}, not a result")
    for array in arrays(value):
        if array.size == 0:
            raise BadOutput(f"`__call__` returned an empty array of shape {array.shape}")
        if array.dtype.kind in "fc" and not numpy.isfinite(array).all():
            share = 1 - numpy.isfinite(array).mean()
            raise BadOutput(f"`__call__` returned numbers that are not finite ({share:.0%} of shape {array.shape})")


def describe(value: Any) -> str:
    """Return what a value is, on one line: type, shape, range and mean.

    Such as `ImagePipelineOutput: images 1 x Image 64x64 RGB, 0..255, mean 121`.
    """
    if (named := _fields(value)) is not None:
        items = "; ".join(f"{key} {describe(item)}" for key, item in list(named.items())[:4] if item is not None)
        return f"{type(value).__name__}: {items}"[:_MAX_TEXT]
    if isinstance(value, tuple) and value:
        return f"({'; '.join(map(describe, value[:4]))}{',' if len(value) == 1 else ''})"[:_MAX_TEXT]
    return f"{_form(value)}{_range(value)}"[:_MAX_TEXT]


def _form(value: Any) -> str:
    """Return a value's type and shape; of a list its length and the form of its first item."""
    from PIL import Image

    if isinstance(value, Image.Image):
        return f"Image {value.width}x{value.height} {value.mode}"
    if isinstance(value, (list, tuple)) and value:
        return f"{len(value)} x {_form(value[0])}"
    shape = getattr(value, "shape", None)
    return type(value).__name__ + (f" {tuple(shape)}" if shape is not None else "")


def _range(value: Any) -> str:
    """Return the range and mean of all the numbers in a value, "" when it holds none."""
    found = [array for array in arrays(value) if array.size and array.dtype.kind in "biuf"]
    if not found:
        return ""
    low, high = min(float(a.min()) for a in found), max(float(a.max()) for a in found)
    if low == high:
        return f", all {low:.3g}"
    mean = sum(float(a.mean(dtype=float)) * a.size for a in found) / sum(a.size for a in found)
    return f", {low:.3g}..{high:.3g}, mean {mean:.3g}"


def write(value: Any, directory: Path) -> list[Any]:
    """Write the arrays of a return value as little-endian float32, for the checker to look at; return them flat.

    At most `MAX_ARRAYS` arrays, and of each the first `MAX_NUMBERS` numbers.
    """
    import numpy

    directory.mkdir()
    written = []
    for index, array in enumerate(arrays(value)):
        if index == MAX_ARRAYS:
            break
        real = numpy.abs(array) if array.dtype.kind == "c" else array
        written.append(numpy.ascontiguousarray(real, dtype="<f4").ravel()[:MAX_NUMBERS])
        (directory / f"{index}.f32").write_bytes(written[-1].tobytes())
    return written


def read(directory: Path) -> list[Any]:
    """Return the arrays that `write` wrote, flat."""
    import numpy

    paths = (directory / f"{index}.f32" for index in range(MAX_ARRAYS))
    return [numpy.fromfile(path, dtype="<f4") for path in itertools.takewhile(Path.exists, paths)]


def same(ones: Sequence[Any], others: Sequence[Any]) -> bool:
    """Return whether two lists of arrays are the same, up to rounding."""
    import numpy

    return len(ones) == len(others) and all(
        a.shape == b.shape and numpy.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True)
        for a, b in zip(ones, others, strict=True)
    )
