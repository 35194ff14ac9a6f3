"""What the names of an example's code may stand for: values, pipelines, what pipelines return, functions."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field

from cpipe_check.example import ExampleValue
from cpipe_check.pipeline_file.example import values


@dataclass(slots=True, eq=False)
class Pipeline:
    """A pipeline that the example makes: by which class, from which model, with which components."""

    class_name: str = ""
    custom: str = ""
    model: str = ""
    components: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call of a pipeline or of a method of it, and its line."""

    pipeline: Pipeline
    method: str
    positional: tuple[ExampleValue, ...]
    keywords: Mapping[str, ExampleValue]
    line: int
    components: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What a pipeline's method returned; `text` is the call's source."""

    text: str
    method: str


Value = ExampleValue | Pipeline | Output | ast.FunctionDef
Scope = ChainMap[str, Value]
ONE_IMAGE = (ExampleValue("image"),)


def first(value: ExampleValue) -> ExampleValue | None:
    """Return the first item of a list or video, None when there is none."""
    if value.kind in ("list", "tuple") and value.items:
        return value.items[0]
    return ExampleValue("image") if value.kind == "video" else None


def plain(value: Value, text: str = "") -> ExampleValue:
    """Return what can be passed on of a value; `text` is its source."""
    match value:
        case ExampleValue():
            return value
        case Pipeline(class_name=name):
            return ExampleValue("object", text=name)
        case ast.FunctionDef(name=name):
            return ExampleValue("callable", text=name[:100])
        case Output(method=method):
            return ExampleValue("output", text=method)
    return values.unknown(text)


def class_of(value: Value) -> str:
    """Return the class of a component, "" for what is none."""
    match value:
        case Pipeline(class_name=name) | ExampleValue(kind="object", text=name):
            return name
        case ExampleValue(kind="literal", value=None):
            return "None"
        case ExampleValue(kind="list" | "tuple", items=items) if items and all(i.kind == "object" for i in items):
            return ", ".join(i.text for i in items[:8])
    return ""


def dotted(node: ast.expr) -> str | None:
    """Return `a.b.c` for a name or an attribute chain of names, None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))[:200]
