"""Finding classes by name: where a pipeline file imports them from, or in the libraries."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import Any

# Where classes live that the libraries do not export at their top.
_HOMES = (
    "diffusers",
    "transformers",
    "diffusers.pipelines",
    "diffusers.pipelines.stable_diffusion.safety_checker",
    "diffusers.pipelines.kolors",
    "diffusers.models",
)
_SUFFIXES = ("Fast", "Pil")


# What a function makes that stands where a class should: of the kinds of `transformers.pipeline` the plainest.
_MADE_BY = {"transformers.pipeline": "transformers.TextClassificationPipeline"}


@cache
def find(path: str) -> Any:
    """Return the class of a dotted path, or of a bare name in the libraries; None when there is none.

    For the base of a model's classes (`XPreTrainedModel`) it is the model (`XModel`). Only diffusers and transformers
    are imported.
    """
    module, _, name = _MADE_BY.get(path, path).rpartition(".")
    name = re.sub(r"(?<=.)PreTrainedModel$", "Model", name)
    if module.partition(".")[0] in ("diffusers", "transformers"):
        found = _in(module, name)
        if found is not None:
            return found
    for home in _HOMES:
        found = _in(home, name)
        if found is not None:
            return found
    return None


def _in(module: str, name: str) -> Any:
    try:
        found = getattr(importlib.import_module(module), name, None)
    except Exception:
        # What a library raises for a class whose package is missing is its own affair.
        return None
    return None if _is_placeholder(found) else found


def _is_placeholder(found: Any) -> bool:
    """Whether it stands in for a class whose package is not installed."""
    return getattr(found, "__module__", "").startswith("diffusers.utils.dummy")


def blueprint_name(name: str) -> str:
    """Return the name that blueprints know a class by: without the suffixes of transformers' variants."""
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name
