"""What may stand in a recipe, checked on the table that its TOML comes to.

Nothing here trusts the table: sizes are capped, so that no recipe asks for more than a small machine has.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any

from packaging.requirements import Requirement

from cpipe_check.recipe import OMIT, REFERENCES, TABLES, maker_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 64 << 10
MAX_PROBLEMS = 20
MAX_SIDE, MAX_FRAMES, MAX_NUMBERS, MAX_NUMBERS_IN_ALL = 512, 64, 16 << 20, 64 << 20
_MAX_DEPTH, _MAX_DIMENSIONS, _MAX_NAME = 8, 8, 100
# The loader of tomllib takes quadratic time over the parts of a dotted key.
_PART = r"""(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*"""
_DEEP_KEY = re.compile(rf"^[ \t]*(?:{_PART}\.[ \t]*){{{2 * _MAX_DEPTH}}}", re.MULTILINE)
_AT = re.compile(r"\(at line (\d+), column \d+\)")
_CLASS = re.compile(r"[A-Z_a-z]\w*", re.ASCII)
# Numbers that a value maker takes, in order, each with its largest.
_SIZES = {
    "image": (("width", MAX_SIDE), ("height", MAX_SIDE)),
    "mask": (("width", MAX_SIDE), ("height", MAX_SIDE)),
    "images": (("number", MAX_FRAMES), ("width", MAX_SIDE), ("height", MAX_SIDE)),
    "video": (("frames", MAX_FRAMES), ("width", MAX_SIDE), ("height", MAX_SIDE)),
}


class NoTable(Exception):
    """Text that is no TOML. `line` is the line in it, counted from 1, None when that is not known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the value at `path` in a table. The message may quote the table as it is."""

    path: tuple[str, ...]
    message: str


def load(text: str) -> dict[str, Any]:
    """Return the table that TOML text holds.

    Raises:
        NoTable: when it is no TOML, or too large or too deep to be a recipe.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise NoTable(f"the recipe is larger than {MAX_BYTES >> 10} KB")
    if deep := _DEEP_KEY.search(text):
        raise NoTable("a key has too many parts", text.count("\n", 0, deep.start()) + 1)
    try:
        table: dict[str, Any] = tomllib.loads(text)
        return table
    except RecursionError:
        raise NoTable("the recipe is nested too deeply") from None
    except ValueError as error:
        at = _AT.search(str(error))
        raise NoTable(f"no valid TOML: {_AT.sub('', str(error)).strip()}", int(at[1]) if at else None) from None


def problems(table: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a recipe's table, at most `MAX_PROBLEMS`."""
    found = list(islice(_problems(table), MAX_PROBLEMS))
    if not found and len(json.dumps(table)) > MAX_BYTES:
        found.append(Problem((), f"the recipe is larger than {MAX_BYTES >> 10} KB"))
    return found


def _problems(table: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in table.items():
        check = _CHECKS.get(key)
        if check is None:
            yield Problem((key,), unknown(f"unknown key {quoted(key)}", key, _CHECKS))
        elif key in TABLES and not isinstance(value, dict):
            yield Problem((key,), f"`{key}` is a table, [{key}], not {_type(value)}")
        else:
            yield from check(value)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return a message on a name that is not known, with the one that is meant, or those that there are."""
    names = list(islice(known, 500))
    close = get_close_matches(name[:_MAX_NAME], names, 1)
    if close:
        return f"{what}; is `{close[0]}` meant?"
    return f"{what}; there are {', '.join(names[:20])}" if names else f"{what}; there are none"


def quoted(name: str) -> str:
    """Return a name as a message shows it."""
    return f"`{name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + '…'}`"


def _reference(value: object) -> Iterator[Problem]:
    path = ("reference",)
    if not isinstance(value, str):
        yield Problem(path, f"`reference` is a string, not {_type(value)}")
    elif value not in REFERENCES:
        what = f"no reference is called {quoted(value)}"
        if "/" in value or "\\" in value or value.startswith("."):
            yield Problem(path, f"{what}; a Hub repository or a directory is given by `--reference`, not by a recipe")
        else:
            yield Problem(path, unknown(what, value, sorted(REFERENCES)))


def _packages(value: object) -> Iterator[Problem]:
    path = ("packages",)
    if not isinstance(value, list) or not all(isinstance(item, str) and len(item) <= 200 for item in value):
        yield Problem(path, '`packages` is a list of short strings, such as ["einops>=0.7"]')
        return
    for item in value:
        try:
            requirement = Requirement(item)
            if requirement.marker is not None:
                requirement.marker.evaluate()
        except (ValueError, KeyError) as error:
            reason = next(iter(str(error).splitlines()), "")
            yield Problem(path, f"{quoted(item)} is no requirement: {reason}")
            continue
        if requirement.url is not None:
            yield Problem(path, f"{quoted(item)} names an address; a recipe names packages of the package index")


def _skip(value: object) -> Iterator[Problem]:
    if not isinstance(value, str) or (value and not value.strip()):
        yield Problem(("skip",), '`skip` says why the file is not run, such as "needs a 40 GB checkpoint"')


def _components(table: dict[str, Any]) -> Iterator[Problem]:
    for name, item in table.items():
        path = ("components", name)
        parts = item if isinstance(item, dict) else {"class": item}
        class_name = parts.get("class")
        if not isinstance(class_name, str) or not _CLASS.fullmatch(class_name):
            example = '"AutoencoderKL" or {class = "UNet2DConditionModel", in_channels = 9}'
            yield Problem(path, f"{quoted(name)} is the name of a class of diffusers or transformers: {example}")
        for key, argument in parts.items():
            for problem in _plain(argument):
                yield Problem((*path, key), problem)


def _call(table: dict[str, Any]) -> Iterator[Problem]:
    left = MAX_NUMBERS_IN_ALL
    for name, item in table.items():
        path = ("call", name)
        numbers = 0
        for maker, argument in _makers(item) if maker_of(item) != OMIT else ():
            message, more = _made(maker, argument)
            numbers += more
            if message:
                yield Problem(path, message)
        if maker_of(item) == OMIT and item[OMIT] is not True:
            yield Problem(path, f"{quoted(name)}: what leaves an argument out is {{omit = true}}")
        yield from (Problem(path, message) for message in _plain(item))
        if numbers > left:
            yield Problem(path, f"the values of [call] have more than {MAX_NUMBERS_IN_ALL >> 20} million numbers")
        left -= numbers


def _expect(table: dict[str, Any]) -> Iterator[Problem]:
    for key, item in table.items():
        path = ("expect", key)
        match key:
            case "type":
                if not isinstance(item, str) or not _CLASS.fullmatch(item):
                    yield Problem(path, '`type` is the class name of what is returned, such as "ImagePipelineOutput"')
            case "images":
                if not _is_count(item, 1 << 20):
                    yield Problem(path, "`images` is how many images there are in what is returned")
            case "shape":
                sizes = item if isinstance(item, list) else [None]
                if not all(size == -1 or _is_count(size, 1 << 31) for size in sizes):
                    yield Problem(path, "`shape` is the first array's, such as [1, 3, 64, 64]; -1 stands for any size")
            case _:
                yield Problem(path, unknown(f"unknown key {quoted(key)}", key, ("type", "images", "shape")))


_CHECKS: Mapping[str, Callable[[Any], Iterator[Problem]]] = {
    "reference": _reference,
    "packages": _packages,
    "skip": _skip,
    "components": _components,
    "call": _call,
    "expect": _expect,
}


def _makers(value: object, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every value maker in a value, with what it is given."""
    maker = maker_of(value)
    if maker is not None and isinstance(value, dict):
        yield maker, value[maker]
    elif depth < _MAX_DEPTH and isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _makers(item, depth + 1)


def _made(maker: str, argument: object) -> tuple[str, int]:
    """Return what is wrong with a value maker, "" for nothing, and of how many numbers its value consists."""
    if maker == OMIT:
        return "{omit = true} leaves out an argument, not a part of one", 0
    if maker == "generator":
        fine = type(argument) is int and 0 <= argument < 1 << 63
        return "" if fine else "{generator = SEED} takes a number, 0 or more", 0
    if maker in ("tensor", "array"):
        fine = isinstance(argument, list) and 0 < len(argument) <= _MAX_DIMENSIONS
        if not (
            fine and isinstance(argument, list) and all(_is_count(size, MAX_NUMBERS) and size for size in argument)
        ):
            return f"{{{maker} = [1, 4, 8, 8]}} takes a shape of at most {_MAX_DIMENSIONS} sizes", 0
        numbers = math.prod(argument)
        too_large = f"{{{maker} = ...}} has more than {MAX_NUMBERS >> 20} million numbers"
        return (too_large, 0) if numbers > MAX_NUMBERS else ("", numbers)
    sizes = _SIZES[maker]
    given = argument if isinstance(argument, list) else []
    if len(given) != len(sizes) or not all(_is_count(n, most) and n for n, (_, most) in zip(given, sizes, strict=True)):
        names = ", ".join(f"{name} (at most {most})" for name, most in sizes)
        return f"{{{maker} = [...]}} takes {names}", 0
    return "", 3 * math.prod(given)


def _plain(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the first thing in a value that cannot be passed on as JSON."""
    if depth > _MAX_DEPTH:
        yield "it is nested too deeply"
    elif isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        yield from islice((message for item in inner for message in _plain(item, depth + 1)), 1)
    elif isinstance(value, int):
        if abs(value) >= 1 << 63:
            yield "a number has more than 64 bits"
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield "a number is not finite"
    elif not isinstance(value, str):
        yield f"{_type(value)} cannot be passed on"


def _is_count(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _type(value: object) -> str:
    names = {
        "str": "a string",
        "int": "a number",
        "float": "a number",
        "bool": "a boolean",
        "list": "a list",
        "dict": "a table",
    }
    return names.get(type(value).__name__, f"a {type(value).__name__}")
