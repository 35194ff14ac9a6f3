"""What the functions in an example's code return, by their names: images, tensors, generators..."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from cpipe_check.example import MAX_ITEMS, ExampleValue, literal
from cpipe_check.pipeline_file.example.values import Arguments, Keywords, method, numbers

_IMAGE_MAKERS = re.compile(
    r"(^|\.)((load|download|open|fetch|read|get|url_to)_?(\w*_)?(image|img|mask|picture)(_from_\w+|_pil)?|"
    r"Image\.(open|fromarray)|to_pil(_image)?|numpy_to_pil)$"
)
_IMAGE_CHANGERS = re.compile(
    r"detector|canny|depth|hed|midas|pose|annotat|preproc|process|condition|draw|resize|crop", re.IGNORECASE
)
_VIDEO_MAKERS = re.compile(r"(^|\.)((load|read|get|download)_?(\w*_)?(video|frames)\w*)$")
_AUDIO_MAKERS = re.compile(r"(^|\.)((load|read|get)_?(\w*_)?audio|torchaudio\.load|librosa\.load|sf\.read)$")
_ARRAY_MAKERS = re.compile(r"^(np|numpy|cv2)\.(\w+\.)*\w+$")
_TENSOR_MAKERS = re.compile(
    r"(^|\.)(ToTensor\(\)|to_tensor|pil_to_tensor|from_numpy|randn_tensor|pil_to_torch)$|^torch\."
)
_SHAPED = frozenset({"randn", "rand", "zeros", "ones", "empty", "random", "standard_normal", "randn_tensor"})
_SHAPED_LATER = {"full": 0, "randint": 2, "normal": 2, "uniform": 2}
_CONVERSIONS: dict[str, Callable[[Any], object]] = {
    "int": int, "float": float, "str": str, "bool": bool, "round": round, "Path": str, "abs": abs,
}  # fmt: skip


def call(name: str, arguments: Arguments, keywords: Keywords) -> ExampleValue | None:
    """Return what a call of a function by its dotted name returns, None when that is not known."""
    last = name.rpartition(".")[2]
    if name in _CONVERSIONS and arguments and isinstance(arguments[0].value, (int, float, str)):
        return _converted(_CONVERSIONS[name], arguments[0].value)
    if name in ("list", "tuple") and arguments and arguments[0].kind in ("list", "tuple"):
        return replace(arguments[0], kind=name)
    if name == "range" and numbers(arguments):
        return ExampleValue("list", items=tuple(ExampleValue("literal", n) for n in _range(numbers(arguments))))
    if name == "enumerate" and arguments:
        counts = tuple(ExampleValue("literal", n) for n in range(len(arguments[0].items)))
        return _zipped([counts, arguments[0].items])
    if name == "zip" and arguments:
        return _zipped([argument.items for argument in arguments])
    if name == "len" and arguments and arguments[0].kind in ("list", "tuple", "dict"):
        return ExampleValue("literal", len(arguments[0].items))
    if name == "dict" and not arguments:
        return ExampleValue("dict", keys=tuple(keywords), items=tuple(keywords.values()))
    if last == "Generator" or name == "torch.manual_seed":
        return method(ExampleValue("generator"), "manual_seed", () if last == "Generator" else arguments, {})
    if name == "torch.device":
        return ExampleValue("device", text=str(arguments[0].value)[:30]) if arguments else None
    if re.search(r"(^|\.)Image\.new$", name):
        mode, size = (arguments[0].value if arguments else ""), numbers(arguments[1:2])
        return ExampleValue("image", mode=mode if isinstance(mode, str) else "", shape=size if len(size) == 2 else ())
    if re.search(r"(^|\.)ImageOps\.\w+$", name) and arguments:
        return arguments[0]
    return _made(name, last, arguments, keywords)


def _made(name: str, last: str, arguments: Arguments, keywords: Keywords) -> ExampleValue | None:
    if _IMAGE_MAKERS.search(name):
        source = arguments[0] if arguments else None
        flat = source is not None and source.kind in ("array", "tensor") and len(source.shape) in (2, 3)
        mode = "L" if flat and source is not None and len(source.shape) == 2 else ""
        return ExampleValue("image", shape=source.shape[1::-1] if flat and source is not None else (), mode=mode)
    if _VIDEO_MAKERS.search(name):
        return ExampleValue("video")
    if _AUDIO_MAKERS.search(name):
        return ExampleValue("audio")
    if _is_tensor(arguments) and not last[:1].isupper():
        return ExampleValue("tensor", text=last[:30], shape=arguments[0].shape if last.endswith("_like") else ())
    kind = "tensor" if _TENSOR_MAKERS.search(name) else "array" if _ARRAY_MAKERS.match(name) else ""
    if not kind:
        # What turns an image into one that controls: a detector, an annotator.
        return replace(arguments[0], shape=(), mode="") if _of_an_image(last, arguments) else None
    return ExampleValue(kind, text=last[:30], shape=_shape(last, arguments, keywords), items=_data(last, arguments))


def _is_tensor(arguments: Arguments) -> bool:
    return bool(arguments) and arguments[0].kind == "tensor"


def _of_an_image(name: str, arguments: Arguments) -> bool:
    return bool(arguments) and arguments[0].kind in ("image", "mask") and bool(_IMAGE_CHANGERS.search(name))


def _shape(last: str, arguments: Arguments, keywords: Keywords) -> tuple[int, ...]:
    for name in ("size", "shape"):
        if name in keywords and last in (*_SHAPED, *_SHAPED_LATER):
            return numbers([keywords[name]])
    if last in _SHAPED:
        return numbers(arguments[:1]) if arguments and arguments[0].items else numbers(arguments)
    if last in _SHAPED_LATER:
        return numbers(arguments[_SHAPED_LATER[last] :][:1])
    source = arguments[0] if arguments else None
    if source is None:
        return ()
    if last in ("zeros_like", "ones_like", "randn_like", "rand_like", "from_numpy", "Canny", "full_like", "asarray"):
        return source.shape if source.kind in ("tensor", "array") else ()
    if last in ("array", "asarray") and source.kind in ("image", "mask") and source.shape:
        return (source.shape[1], source.shape[0], *(() if source.mode in ("L", "1") else (3,)))
    return _shape_of(source) if last in ("tensor", "array", "FloatTensor", "LongTensor") else ()


def _shape_of(value: ExampleValue) -> tuple[int, ...]:
    shape: tuple[int, ...] = ()
    while value.kind in ("list", "tuple") and value.items:
        shape = (*shape, len(value.items))
        value = value.items[0]
    return shape if value.kind == "literal" else ()


def _data(last: str, arguments: Arguments) -> tuple[ExampleValue, ...]:
    if last in ("tensor", "array", "FloatTensor", "LongTensor") and arguments and _shape_of(arguments[0]):
        return (arguments[0],)
    return ()


def _zipped(columns: Sequence[tuple[ExampleValue, ...]]) -> ExampleValue | None:
    rows = tuple(ExampleValue("tuple", items=row) for row in zip(*columns, strict=False))
    return ExampleValue("list", items=rows) if rows else None


def _range(bounds: tuple[int, ...]) -> Sequence[int]:
    return range(*bounds[:3])[:MAX_ITEMS] if len(bounds) < 3 or bounds[2] else ()


def _converted(convert: Callable[[Any], object], value: int | float | str) -> ExampleValue | None:
    try:
        return literal(convert(value))
    except (ValueError, OverflowError, TypeError):
        return None
