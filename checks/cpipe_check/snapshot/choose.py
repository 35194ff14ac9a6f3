"""Which files of a repository a snapshot holds: those that the loader runs as code, and what says how they are used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from cpipe_check.pipeline_file.file import LOADER_RELATIVE
from cpipe_check.submission import INDEX, README

_MODULE = re.compile(r"[\w-][\w.-]{0,150}\.py")
_COMPONENT = re.compile(r"\w[\w-]{0,150}")


def first(names: Iterable[str]) -> list[str]:
    """Return the files at the root that are chosen without reading any: `model_index.json`, modules, READMEs.

    `model_index.json` and `pipeline.py` come first, since there are limits.
    """
    chosen = [name for name in names if name == INDEX or _MODULE.fullmatch(name) or README.fullmatch(name)]
    return sorted(chosen, key=lambda name: (name != INDEX, name != "pipeline.py", not name.endswith(".py"), name))


def following(path: str, content: bytes) -> Iterator[str]:
    """Yield the files that a chosen one leads to: a component's module, a module imported relatively."""
    if path == INDEX:
        yield from _component_modules(content)
    elif path.endswith(".py"):
        here = PurePosixPath(path).parent
        for pattern in LOADER_RELATIVE:
            for name in pattern.findall(content.decode("utf-8", "replace")):
                parts = name.split(".")
                if len(parts) <= 2 and all(_COMPONENT.fullmatch(part) for part in parts):
                    yield str(here / f"{'/'.join(parts)}.py")


def _component_modules(content: bytes) -> Iterator[str]:
    """`get_class_obj_and_candidates` in diffusers 0.42's pipelines/pipeline_loading_utils.py: `COMPONENT/MODULE.py`."""
    try:
        index = json.loads(content)
    except (ValueError, RecursionError):
        return
    for component, value in index.items() if isinstance(index, Mapping) else ():
        match value:
            case [str(module), str()] if _COMPONENT.fullmatch(component) and _COMPONENT.fullmatch(module):
                yield f"{component}/{module}.py"
