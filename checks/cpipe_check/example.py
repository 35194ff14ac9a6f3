"""The example that an author gives of a pipeline's use: records that are read off its text and cross as plain JSON.

Every text in them is the author's. It enters a report only through `cpipe_check.text`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

Literal = str | int | float | bool | None
KINDS = frozenset(
    {
        "literal", "list", "tuple", "dict", "image", "mask", "video", "audio", "tensor", "array", "generator",
        "device", "dtype", "callable", "object", "output", "unknown",
    }
)  # fmt: skip
MAX_TEXT = 2000
MAX_ITEMS = 64
# Beyond it JSON's numbers are not exact; neither infinity nor what is no number is below it.
_LARGEST = 1 << 53


@dataclass(frozen=True, slots=True)
class ExampleValue:
    """What the example passes for one parameter, as far as its text tells. `kind` is one of `KINDS`.

    "literal": `value`. "list", "tuple": `items`. "dict": `keys` and `items`. "image", "mask": `shape` is (width,
    height) and `mode` that of PIL, each empty when the text does not tell. "video": `items` when the frames are listed.
    "tensor", "array": `shape`, `text` is how it is made ("randn", "zeros", "tensor"...) and `items`, when it is
    written out, hold the one list. "generator": `value` is the seed or None. "device", "dtype": `text` is the name
    ("cuda", "float16"). "callable": a function, `text` is its source. "object": an instance of another class, `text`
    is the class's name, `items` what it is made with and `keys` the names of these, None for those by position; `value`
    is the model that it is loaded from, or None. "output": what a method of the pipeline, `text`, returned, or of that
    the item number `value`. "unknown": `text` is the source.
    """

    kind: str
    value: Literal = None
    items: tuple[ExampleValue, ...] = ()
    keys: tuple[Literal, ...] = ()
    shape: tuple[int, ...] = ()
    mode: str = ""
    text: str = ""

    def to_object(self) -> dict[str, Any]:
        """Return the value as a JSON object, without what is empty."""
        found: dict[str, Any] = {"kind": self.kind}
        for name in ("value", "keys", "shape", "mode", "text"):
            content = getattr(self, name)
            if content not in (None, (), ""):
                found[name] = list(content) if isinstance(content, tuple) else content
        if self.items:
            found["items"] = [item.to_object() for item in self.items]
        if self.kind == "literal":
            found["value"] = self.value
        return found

    @property
    def unknown(self) -> bool:
        """True when neither it nor anything in it tells what to pass."""
        if self.kind in ("unknown", "callable", "object", "output"):
            return True
        return bool(self.items) and all(item.unknown for item in self.items)


def value_from(payload: Mapping[str, Any]) -> ExampleValue:
    """Return the value that `ExampleValue.to_object` wrote."""
    return ExampleValue(
        kind=payload["kind"],
        value=payload.get("value"),
        items=tuple(map(value_from, payload.get("items", ()))),
        keys=tuple(payload.get("keys", ())),
        shape=tuple(payload.get("shape", ())),
        mode=payload.get("mode", ""),
        text=payload.get("text", ""),
    )


@dataclass(frozen=True, slots=True)
class Example:
    """One call of the pipeline in an example.

    `source` says where it stands ("class docstring", "README.md"...), `line` is the call's line there. `method` is
    "__call__", or the method called where the class has none. `model` is the first argument of `from_pretrained` when
    that is a string, else "". `loaded_as` is the class that loads it, "" when the text does not tell. `components`
    are what the pipeline is given besides, to the name of each one's class ("None" for None; two in a list are
    "A, B"). `earlier` are calls of other methods of the same pipeline before it.
    """

    source: str
    line: int
    method: str
    arguments: Mapping[str, ExampleValue] = field(default_factory=dict)
    positional: tuple[ExampleValue, ...] = ()
    model: str = ""
    loaded_as: str = ""
    components: Mapping[str, str] = field(default_factory=dict)
    earlier: tuple[Example, ...] = ()

    def named(self, parameters: Sequence[str]) -> dict[str, ExampleValue]:
        """Return the arguments by name, the positional ones by `parameters` (without `self`); surplus ones are left."""
        placed = {name: as_named(value, name) for name, value in zip(parameters, self.positional, strict=False)}
        return {**placed, **self.arguments}

    def to_object(self) -> dict[str, Any]:
        """Return the example as a JSON object."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        found["arguments"] = {name: value.to_object() for name, value in self.arguments.items()}
        found["positional"] = [value.to_object() for value in self.positional]
        found["components"] = dict(self.components)
        found["earlier"] = [call.to_object() for call in self.earlier]
        return found


def example_from(payload: Mapping[str, Any]) -> Example:
    """Return the example that `Example.to_object` wrote."""
    values = dict(payload)
    values["arguments"] = {name: value_from(value) for name, value in values["arguments"].items()}
    values["positional"] = tuple(map(value_from, values["positional"]))
    values["earlier"] = tuple(map(example_from, values["earlier"]))
    return Example(**values)


def literal(value: object) -> ExampleValue | None:
    """Return a literal, its text cut, or None for what is not one that JSON has: bytes, infinity, a huge number."""
    if value is None or isinstance(value, bool):
        return ExampleValue("literal", value)
    if isinstance(value, str):
        # Half a surrogate pair is no text that could be sent.
        return ExampleValue("literal", value[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8"))
    if isinstance(value, (int, float)) and abs(value) <= _LARGEST:
        return ExampleValue("literal", value)
    return None


def as_named(value: ExampleValue, name: str) -> ExampleValue:
    """Return the value as that of a variable or parameter `name`: an image that is called a mask is one."""
    if "mask" not in name.lower():
        return value
    if value.kind == "image":
        return replace(value, kind="mask")
    if value.kind == "list" and value.items and all(item.kind == "image" for item in value.items):
        return replace(value, items=tuple(replace(item, kind="mask") for item in value.items))
    return value
