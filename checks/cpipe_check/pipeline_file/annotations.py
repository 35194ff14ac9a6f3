"""The classes that an annotation names, as dotted paths."""

from __future__ import annotations

import builtins
import re

from cpipe_check.pipeline_file.facts import Imported, LocalClass, Namespace

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_TYPING = frozenset({"typing", "typing_extensions", "collections", "types"})


def classes_named(annotation: str, namespace: Namespace) -> tuple[str, ...]:
    """Return the classes in an annotation's source, in order: `diffusers.UNet2DModel`, or `.Own` for one of the file.

    Strings and forward references count. What `typing` and Python itself define is left out.
    """
    found = dict.fromkeys(_path(name, namespace) for name in _DOTTED.findall(annotation))
    return tuple(path for path in found if path)


def _path(name: str, namespace: Namespace) -> str:
    first, _, rest = name.partition(".")
    values = namespace.names.get(first, frozenset())
    value = next(iter(values)) if len(values) == 1 else None
    if isinstance(value, LocalClass):
        return f".{namespace.classes[value.index].name}"
    if isinstance(value, Imported):
        if value.level or value.root in _TYPING:
            return ""
        return ".".join(part for part in (value.module, value.name, rest) if part)
    return "" if hasattr(builtins, first) or not first[:1].isupper() else first
