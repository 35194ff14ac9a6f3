"""What the checker itself sees of a smoke-load: the files that it left. A report that they do not bear out is no pass.

The files were written by a process that ran untrusted code. They are opened without following a link and without
waiting, read up to a limit, and never unpickled.
"""

from __future__ import annotations

import array
import contextlib
import json
import math
import os
import stat
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from cpipe_check.report.model import Picture
from cpipe_check.smoke.outputs import MAX_ARRAYS, MAX_NUMBERS
from cpipe_check.smoke.pictures import MAX_BYTES, MAX_COLUMNS, MAX_FRAMES, MAX_PICTURES, MAX_SIDE

_MAX_INDEX, _MAX_LIST = 1 << 20, 1 << 14
# So many numbers of an array are looked at, evenly spread.
_LOOKED_AT = 20_000


class NothingToSee(Exception):
    """The calls left no array, so that the checker cannot tell whether they came to anything."""


class Disagreement(Exception):
    """What was left does not bear out what was reported. The message says what."""


def check(out: Path, class_name: str, same: bool, required: Collection[str]) -> None:
    """Check what both processes left in `out`: the saved pipeline of that class, and the outputs of both calls.

    `required` are the components that its `__init__` cannot do without.

    Raises:
        Disagreement: when they do not agree with a pass.
        NothingToSee: when the first call left no array.
    """
    for directory in (out, out / "saved", out / "first", out / "again"):
        if not _is_directory(directory):
            raise Disagreement(f"{directory.name} is missing, or is no directory")
    _check_saved(out / "saved", class_name, required)
    first, second = _numbers(out / "first"), _numbers(out / "again")
    if not any(first):
        raise NothingToSee
    if same and not _alike(first, second):
        raise Disagreement("the outputs of the two calls differ")


def pictures(out: Path) -> tuple[Picture, ...]:
    """Return the pictures that the first call's process left in `out`; what is not as it should be is left out."""
    directory = out / "first" / "pictures"
    if not all(map(_is_directory, (out, out / "first", directory))):
        return ()
    try:
        listed = json.loads(_read(directory / "pictures.json", _MAX_LIST))
    except (Disagreement, ValueError, RecursionError):
        return ()
    found: list[Picture] = []
    for number, item in enumerate(listed[:MAX_PICTURES] if isinstance(listed, list) else ()):
        room = MAX_BYTES - sum(len(picture.pixels) for picture in found)
        with contextlib.suppress(Disagreement):
            found.append(_picture(item, directory / f"{number}.rgb", room))
    return tuple(found)


def _picture(item: object, path: Path, room: int) -> Picture:
    """Return one picture of at most `room` bytes.

    Raises:
        Disagreement: when it is not as `smoke.pictures` writes it.
    """
    match item:
        case {
            "kind": "image" | "video" | "audio" as kind,
            "width": int(width),
            "height": int(height),
            "frames": int(frames),
        }:
            audio = kind == "audio"
            widest, highest, longest = (MAX_COLUMNS, 2, 1) if audio else (MAX_SIDE, MAX_SIDE, MAX_FRAMES)
            size = 2 * width if audio else 3 * width * height * frames
            fits = 1 <= width <= widest and 1 <= height <= highest and 1 <= frames <= longest
            if fits and (kind == "video") == (frames > 1) and size <= room:
                pixels = _read(path, size)
                if len(pixels) == size:
                    # Numbers of their own: True is an int as well.
                    return Picture(kind, int(width), int(height), int(frames), pixels)
    raise Disagreement("no picture of ours")


def _check_saved(saved: Path, class_name: str, required: Collection[str]) -> None:
    try:
        index = json.loads(_read(saved / "model_index.json", _MAX_INDEX))
    except (ValueError, RecursionError):
        raise Disagreement("the saved model_index.json is no JSON") from None
    if not isinstance(index, dict):
        raise Disagreement("the saved model_index.json is no JSON object")
    name = index.get("_class_name")
    if (name[-1] if isinstance(name, list) and name else name) != class_name:
        raise Disagreement("the saved model_index.json names another class")
    for component, value in index.items():
        made = isinstance(value, list) and len(value) == 2 and all(isinstance(item, str) for item in value)
        # diffusers names some optional components that it does not save.
        if made and component in required and not _is_filled_directory(saved / component):
            raise Disagreement("a component that the saved model_index.json names was not saved")


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _is_filled_directory(path: Path) -> bool:
    if not _is_directory(path):
        return False
    try:
        with os.scandir(path) as entries:
            return any(entry.is_file(follow_symlinks=False) for entry in entries)
    except (OSError, ValueError):
        return False


def _numbers(directory: Path) -> list[array.array[float]]:
    """Return the arrays that a call's process wrote, thinned out."""
    found = []
    for index in range(MAX_ARRAYS):
        path = directory / f"{index}.f32"
        if not os.path.lexists(path):
            break
        content = _read(path, 4 * MAX_NUMBERS)
        if len(content) % 4:
            raise Disagreement("an output is no array")
        numbers = array.array("f")
        numbers.frombytes(content)
        if sys.byteorder == "big":
            numbers.byteswap()
        thinned = numbers[:: max(1, len(numbers) // _LOOKED_AT)]
        if not all(map(math.isfinite, thinned)):
            raise Disagreement("an output holds numbers that are not finite")
        found.append(thinned)
    return found


def _alike(ones: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> bool:
    return len(ones) == len(others) and all(
        len(a) == len(b) and all(math.isclose(x, y, rel_tol=2e-3, abs_tol=2e-4) for x, y in zip(a, b, strict=True))
        for a, b in zip(ones, others, strict=True)
    )


def _read(path: Path, limit: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Disagreement(f"{path.name} is missing, or is no file ({error.strerror})") from None
    try:
        # Before Python opens it, which refuses a directory in its own way.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Disagreement(f"{path.name} is no file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise Disagreement(f"{path.name} is too large")
    return content
