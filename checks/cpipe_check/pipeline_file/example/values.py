"""What the attributes, methods, items and operators of the values in an example's code come to."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cpipe_check.example import MAX_ITEMS, MAX_TEXT, ExampleValue, literal

_DTYPES = re.compile(r"(bfloat16|float16|float32|float64|half|float|double|u?int8|u?int16|u?int32|u?int64|long|bool)$")
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
        case "dict":
            return item(value, arguments[0]) if name == "get" and arguments else _dict_method(value, name)
        case "object" if name in (*_KEPT_BY, "eval"):
            return value
        case "list" | "tuple" if name == "copy":
            return value
    return None


def _dict_method(value: ExampleValue, name: str) -> ExampleValue | None:
    keys = tuple(ExampleValue("literal", key) for key in value.keys)
    if name == "items":
        return ExampleValue(
            "list", items=tuple(ExampleValue("tuple", items=each) for each in zip(keys, value.items, strict=True))
        )
    return ExampleValue("list", items=keys if name == "keys" else value.items) if name in ("keys", "values") else None


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
        words = [word.value for word in arguments[0].items if isinstance(word.value, str)]
        return literal(text.join(words)) if sum(map(len, words)) < 4 * MAX_TEXT and len(text) < 100 else None
    return literal(text) if name == "format" else None


def item(value: ExampleValue, index: ExampleValue) -> ExampleValue | None:
    """Return the item of a list, tuple or dict at an index or key, None when there is none such."""
    match value.kind, index.value:
        case (("list" | "tuple"), int(position)) if -len(value.items) <= position < len(value.items):
            return value.items[position]
        case "dict", key if key in value.keys:
            return value.items[value.keys.index(key)]
        case "video", int():
            return ExampleValue("image")
        case "unknown", ("image" | "audio" | "video") as kind:
            # Of a data set's row.
            return ExampleValue(kind)
        case "audio", "array":
            return value
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
            return literal(a * min(max(n, 0), MAX_TEXT // max(len(a), 1) + 1))
        case ExampleValue(kind="literal", value=int() | float()), ExampleValue(kind="literal", value=int() | float()):
            return _number(name, left.value, right.value)
    return None


def _number(name: str, left: object, right: object) -> ExampleValue | None:
    assert isinstance(left, (int, float))
    assert isinstance(right, (int, float))
    try:
        if name == "Pow":
            return literal(left**right) if abs(right) < 64 else None
        return literal(_ARITHMETIC[name](left, right))
    except (KeyError, ArithmeticError, ValueError, TypeError):
        return None
