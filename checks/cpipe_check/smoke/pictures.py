"""Thumbnails of what a call returned, for the report to show. Runs in the file's own process.

They are written without a header or compression, so that the checker needs no decoder to read them.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cpipe_check.report.model import Picture

# Of one call: pictures, bytes of all of them; of one picture: frames, pixels a side, columns of a waveform.
MAX_PICTURES, MAX_BYTES = 16, 2 << 20
MAX_FRAMES, MAX_SIDE, MAX_COLUMNS = 16, 96, 400
_CHANNELS = (1, 3, 4)
_MIN_SIDE, _MIN_SAMPLES, _MAX_TRACKS = 4, 4000, 8
_VIDEO = re.compile(r"(^|_)(frames?|videos?)$")
_AUDIO = re.compile(r"(^|_)(audios?|waveforms?|speech)$")


class _NoPicture(Exception):
    """The value is none that can be drawn."""


def write(value: Any, directory: Path) -> None:
    """Write thumbnails of the images, videos and sounds in a return value, `N.rgb`, and their list, `pictures.json`.

    Never fails: what cannot be drawn or written is left out.
    """
    with contextlib.suppress(Exception):
        directory.mkdir()
        listed: list[dict[str, Any]] = []
        written = 0
        for picture in itertools.islice(_drawn(value), MAX_PICTURES):
            written += len(picture.pixels)
            if written > MAX_BYTES:
                break
            (directory / f"{len(listed)}.rgb").write_bytes(picture.pixels)
            listed.append({name: getattr(picture, name) for name in ("kind", "width", "height", "frames")})
        (directory / "pictures.json").write_text(json.dumps(listed))


def _drawn(value: Any, name: str = "", in_list: bool = False, depth: int = 5) -> Iterator[Picture]:
    """Yield the pictures of a value that is called `name` in what it is part of."""
    import numpy
    import torch
    from PIL import Image

    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu()
        yield from _of_array((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy(), name, first=True)
    elif isinstance(value, numpy.ndarray):
        yield from _of_array(value, name, first=False)
    elif isinstance(value, Image.Image):
        yield from _picture([value])
    elif depth and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _drawn(item, str(key), depth=depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        if _are_frames(value, name, in_list):
            yield from _picture(_evenly(value))
        else:
            for item in value:
                yield from _drawn(item, name, isinstance(value, list), depth - 1)


def _are_frames(items: Sequence[Any], name: str, in_list: bool) -> bool:
    """Whether a list is one video: by its name, or as one of a list of lists."""
    from PIL import Image

    images = all(isinstance(item, Image.Image) for item in items)
    frames = images or all(len(getattr(item, "shape", ())) == 3 for item in items)
    return len(items) > 1 and ((images and in_list) or (frames and bool(_VIDEO.search(name))))


def _of_array(array: Any, name: str, first: bool) -> Iterator[Picture]:
    """Yield the pictures of an array. `first` is whether its channels come first where its shape does not tell."""
    if array.size == 0 or array.dtype.kind not in "biuf":
        return
    if _is_audio(array, name):
        for track in array.reshape(-1, *array.shape[-2:]) if array.ndim == 3 else array.reshape(-1, array.shape[-1]):
            yield from _waveform(track)
        return
    with contextlib.suppress(_NoPicture):
        stack = _channels_last(array, first)
        if stack.ndim == 5:
            for video in stack:
                yield from _picture(_bytes(_evenly(video)))
        elif stack.ndim == 4 and _VIDEO.search(name):
            yield from _picture(_bytes(_evenly(stack)))
        else:
            for image in stack.reshape(-1, *stack.shape[-3:])[:MAX_PICTURES]:
                yield from _picture([_bytes(image)])


def _channels_last(array: Any, first: bool) -> Any:
    """Return images or videos with their channels on the last axis."""
    import numpy

    shape = array.shape
    by_length = [axis for axis in (-1, -3, -4) if array.ndim >= -axis and shape[axis] in _CHANNELS]
    by_length = [axis for axis in by_length if axis != -4 or array.ndim == 5]
    if first and by_length[:2] == [-1, -3]:
        del by_length[0]
    if array.ndim in (3, 4, 5) and by_length:
        array = numpy.moveaxis(array, by_length[0], -1)
    elif array.ndim in (2, 3):
        array = array[..., None]
    if array.ndim not in (3, 4, 5) or min(array.shape[-3:-1]) < _MIN_SIDE:
        raise _NoPicture
    return array


def _evenly(items: Any) -> Any:
    """Return at most `MAX_FRAMES` of the items, evenly spread, the first one among them."""
    count = min(len(items), MAX_FRAMES)
    picked = [index * len(items) // count for index in range(count)]
    return items[picked] if hasattr(items, "shape") else [items[index] for index in picked]


def _bytes(array: Any) -> Any:
    """Return an array's numbers as bytes: of 0 to 1, -1 to 1 or 0 to 255 in full, of any other range what it spans."""
    import numpy

    if array.dtype == numpy.uint8:
        return array
    numbers = array.astype(numpy.float32)
    low, high = float(numbers.min()), float(numbers.max())
    if low >= 0 and high <= 1:
        low, high = 0, 1
    elif low >= -1 and high <= 1:
        low, high = -1, 1
    elif low >= 0 and high <= 255 and (high > 64 or array.dtype.kind in "iu"):
        low, high = 0, 255
    return numpy.clip((numbers - low) * (255 / ((high - low) or 1)) + 0.5, 0, 255).astype(numpy.uint8)


def _picture(frames: Sequence[Any]) -> Iterator[Picture]:
    """Yield the thumbnail of one image, or of the frames of a video; nothing when they cannot be drawn."""
    with contextlib.suppress(Exception):
        drawn = [_image(frame) for frame in frames]
        drawn[0].thumbnail((MAX_SIDE, MAX_SIDE))
        width, height = drawn[0].size
        pixels = b"".join(image.resize((width, height)).tobytes() for image in drawn)
        yield Picture("video" if len(drawn) > 1 else "image", width, height, len(drawn), pixels)


def _image(frame: Any) -> Any:
    """Return a frame as an RGB image of its own."""
    import numpy
    from PIL import Image

    if isinstance(frame, Image.Image):
        # Pillow would clip the numbers of these modes, not scale them.
        if not frame.mode.startswith(("I", "F")):
            return frame.convert("RGB")
        frame = numpy.asarray(frame)
    elif hasattr(frame, "detach"):
        frame = frame.detach().cpu().float().numpy()
    frame = _bytes(_channels_last(frame, first=False))
    colours = numpy.ascontiguousarray(frame[..., :3])
    return Image.fromarray(colours[..., 0] if colours.shape[-1] == 1 else colours).convert("RGB")


def _is_audio(array: Any, name: str) -> bool:
    if array.ndim > 3 or array.dtype.kind == "b":
        return False
    samples = array.shape[-1]
    return bool(_AUDIO.search(name)) or (samples >= _MIN_SAMPLES and array.size <= samples * _MAX_TRACKS)


def _waveform(track: Any) -> Iterator[Picture]:
    """Yield the lowest and highest sample of each column, over all channels, as pairs of bytes."""
    import numpy

    with contextlib.suppress(Exception):
        channels = numpy.atleast_2d(track).astype(numpy.float32)
        columns = min(MAX_COLUMNS, channels.shape[1])
        starts = numpy.linspace(0, channels.shape[1], columns, endpoint=False).astype(int)
        low = numpy.minimum.reduceat(channels.min(axis=0), starts)
        high = numpy.maximum.reduceat(channels.max(axis=0), starts)
        peak = float(max(-low.min(), high.max(), 0)) or 1.0
        pairs = numpy.stack([low, high], axis=1) / peak
        yield Picture("audio", columns, 2, 1, ((pairs.clip(-1, 1) + 1) * 127.5).astype(numpy.uint8).tobytes())
