"""What the functions and methods of an example's code come to, by their names: images, tensors, generators..."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cpipe_check.example import MAX_ITEMS, MAX_TEXT, ExampleValue, literal

_DTYPES = re.compile(r"(bfloat16|float16|float32|float64|half|float|double|u?int8|u?int16|u?int32|u?int64|long|bool)$")
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
_KEPT_BY = frozenset(
    {
        "to", "cuda", "cpu", "half", "float", "bfloat16", "double", "contiguous", "clone", "detach", "clamp", "copy",
        "astype", "type", "requires_grad_", "convert", "filter", "rotate", "enhance", "mul", "div", "add", "sub",
    }
)  # fmt: skip
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
    "Mod": operator.mod,
}
_CONVERSIONS: dict[str, Callable[[Any], object]] = {
    "int": int, "float": float, "str": str, "bool": bool, "round": round, "Path": str, "abs": abs,
}  # fmt: skip
Arguments = Sequence[ExampleValue]
Keywords = Mapping[str, ExampleValue]


def unknown(text: str) -> ExampleValue:
    """Return the value of source text that tells nothing."""
    return ExampleValue("unknown", text=text)


def numbers(values: Arguments) -> tuple[int, ...]:
    """Return whole numbers, of the values or of the one list or tuple that they are; () when any is something else."""
    if len(values) == 1 and values[0].kind in ("list", "tuple"):
        values = values[0].items
    found = tuple(
        v.value for v in values if isinstance(v.value, int) and v.kind == "literal" and 0 <= v.value < 1 << 31
    )
    return found if len(found) == len(values) <= 8 else ()


def named(name: str) -> ExampleValue | None:
    """Return the value of a dotted name of a library: a dtype; None for any other."""
    root, _, rest = name.partition(".")
    if root in ("torch", "np", "numpy", "jnp") and _DTYPES.fullmatch(rest):
        return ExampleValue("dtype", text={"half": "float16", "float": "float32", "double": "float64"}.get(rest, rest))
    return None


def attribute(value: ExampleValue, name: str) -> ExampleValue | None:
    """Return what an attribute of a value is, None when that is not known."""
    size = tuple(ExampleValue("literal", n) for n in value.shape)
    match value.kind, name:
        case (("image" | "mask"), "size") if size:
            return ExampleValue("tuple", items=size)
        case (("image" | "mask"), ("width" | "height")) if size:
            return size[name == "height"]
        case (("tensor" | "array"), "shape") if size:
            return ExampleValue("tuple", items=size)
        case (("tensor" | "array"), "T"):
            return replace(value, shape=value.shape[::-1], items=())
    return None


def method(value: ExampleValue, name: str, arguments: Arguments, keywords: Keywords) -> ExampleValue | None:
    """Return what a method of a value returns, None when that is not known."""
    match value.kind:
        case "image" | "mask":
            return _image_method(value, name, arguments, keywords)
        case "tensor" | "array":
            if name in _KEPT_BY:
                return value
            if name == "unsqueeze" and value.shape and numbers(arguments) == (0,):
                return replace(value, shape=(1, *value.shape), items=())
            if name in ("numpy", "tolist", "item"):
                return replace(value, kind="array") if name == "numpy" else None
            return ExampleValue(value.kind, text=value.text)
        case "generator":
            seeds = [a for a in (*arguments, *keywords.values()) if isinstance(a.value, int)]
            return replace(value, value=seeds[0].value) if name == "manual_seed" and seeds else value
        case "literal" if isinstance(value.value, str):
            return _text_method(value.value, name, arguments)
        case "dict" if name == "get" and arguments:
            return item(value, arguments[0])
        case "list" | "tuple" if name == "copy":
            return value
    return None


def _image_method(value: ExampleValue, name: str, arguments: Arguments, keywords: Keywords) -> ExampleValue | None:
    if name == "convert":
        mode = arguments[0].value if arguments else None
        return replace(value, mode=mode if isinstance(mode, str) else "")
    if name in ("resize", "thumbnail"):
        size = numbers([keywords["size"]] if "size" in keywords else arguments[:1])
        return replace(value, shape=size if len(size) == 2 else ())
    if name == "crop":
        box = numbers(arguments[:1])
        return replace(value, shape=(box[2] - box[0], box[3] - box[1]) if len(box) == 4 else ())
    if name in ("save", "show", "getbbox", "getpixel", "tobytes", "paste"):
        return None
    return value if name in _KEPT_BY else replace(value, shape=())


def _text_method(text: str, name: str, arguments: Arguments) -> ExampleValue | None:
    plain = [a.value for a in arguments if isinstance(a.value, str)]
    if name in ("strip", "lower", "upper", "rstrip", "lstrip") and not arguments:
        return literal(getattr(text, name)())
    if name == "split" and len(plain) == len(arguments) < 2 and plain != [""]:
        parts = text.split(plain[0] if plain else None)
        return ExampleValue("list", items=tuple(ExampleValue("literal", part) for part in parts[:MAX_ITEMS]))
    if name == "join" and len(arguments) == 1 and arguments[0].kind in ("list", "tuple"):
        words = [word.value for word in arguments[0].items]
        return literal(text.join(word for word in words if isinstance(word, str)))
    return literal(text) if name == "format" else None


def call(name: str, arguments: Arguments, keywords: Keywords) -> ExampleValue | None:
    """Return what a call of a function by its dotted name returns, None when that is not known."""
    last = name.rpartition(".")[2]
    if name in _CONVERSIONS and arguments and isinstance(arguments[0].value, (int, float, str)):
        return _converted(_CONVERSIONS[name], arguments[0].value)
    if name in ("list", "tuple") and arguments and arguments[0].kind in ("list", "tuple"):
        return replace(arguments[0], kind=name)
    if name == "range" and numbers(arguments):
        return ExampleValue("list", items=tuple(ExampleValue("literal", n) for n in _range(numbers(arguments))))
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
    if _is_tensor(arguments) and not name[:1].isupper():
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


def _range(bounds: tuple[int, ...]) -> Sequence[int]:
    return range(*bounds[:3])[:MAX_ITEMS] if len(bounds) < 3 or bounds[2] else ()


def _converted(convert: Callable[[Any], object], value: int | float | str) -> ExampleValue | None:
    try:
        return literal(convert(value))
    except (ValueError, OverflowError, TypeError):
        return None


def item(value: ExampleValue, index: ExampleValue) -> ExampleValue | None:
    """Return the item of a list, tuple or dict at an index or key, None when there is none such."""
    match value.kind, index.value:
        case (("list" | "tuple"), int(position)) if -len(value.items) <= position < len(value.items):
            return value.items[position]
        case "dict", key if key in value.keys:
            return value.items[value.keys.index(key)]
        case "video", int():
            return ExampleValue("image")
    return None


def operation(name: str, left: ExampleValue, right: ExampleValue) -> ExampleValue | None:
    """Return what an operator, by the name of its `ast` class, makes of two values; None when that is not known."""
    for value, other in ((left, right), (right, left)):
        if value.kind in ("tensor", "array", "image", "mask"):
            kept = other.kind == "literal" or other.shape == value.shape
            return replace(value, shape=value.shape if kept else (), items=())
    match left, right:
        case ExampleValue(kind="list" | "tuple"), ExampleValue(kind="list" | "tuple") if name == "Add":
            return replace(left, items=(*left.items, *right.items)[:MAX_ITEMS])
        case ExampleValue(kind="list" | "tuple"), ExampleValue(value=int(n)) if name == "Mult":
            return replace(left, items=(left.items * min(max(n, 0), MAX_ITEMS))[:MAX_ITEMS])
        case ExampleValue(value=int(n)), ExampleValue(kind="list" | "tuple") if name == "Mult":
            return replace(right, items=(right.items * min(max(n, 0), MAX_ITEMS))[:MAX_ITEMS])
        case ExampleValue(value=str(a)), ExampleValue(value=str(b)) if name == "Add" and left.kind == right.kind:
            return literal(a + b)
        case ExampleValue(kind="literal", value=str(a)), ExampleValue(value=int(n)) if name == "Mult":
            return literal(a * min(max(n, 0), MAX_TEXT))
        case ExampleValue(kind="literal", value=int() | float()), ExampleValue(kind="literal", value=int() | float()):
            return _number(name, left.value, right.value)
    return None


def _number(name: str, left: object, right: object) -> ExampleValue | None:
    assert isinstance(left, (int, float))
    assert isinstance(right, (int, float))
    try:
        if name == "Pow":
            return literal(float(left) ** right if abs(right) < 64 else None)
        return literal(_ARITHMETIC[name](left, right))
    except (KeyError, ArithmeticError, ValueError, TypeError):
        return None
