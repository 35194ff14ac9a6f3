"""Writing a reference: its components in the layout of a Hub repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cpipe_check.smoke.reference.blueprints import LEFT_OUT
from cpipe_check.smoke.reference.choose import Choice, Chosen
from cpipe_check.smoke.reference.dimensions import Dimensions
from cpipe_check.smoke.reference.find import find
from cpipe_check.smoke.reference.make import CannotMake, make


class NotMade(Exception):
    """A component cannot be made. The message names it."""


def key(chosen: Chosen, dimensions: Dimensions, seed: int) -> str:
    """Return a name for what `build` would write: the same for the same content."""
    import diffusers
    import torch
    import transformers

    content = {
        "components": {c.name: [c.path, dict(c.changes)] for c in chosen.choices if not c.own},
        "among": chosen.classes,
        "asked": dict(dimensions.asked),
        "words": dimensions.words,
        "seed": seed,
        "versions": [diffusers.__version__, transformers.__version__, torch.__version__],
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return f"{chosen.title}-{digest}"


def one(choice: Choice, dimensions: Dimensions, seed: Callable[[], None], cls: type | None = None) -> Any:
    """Return the component of a choice, None for one that is left out; `cls` is its class where the file defines it.

    Raises:
        NotMade: when it cannot be made.
    """
    if choice.class_name in LEFT_OUT:
        return None
    seed()
    found = cls or find(choice.path)
    if not isinstance(found, type):
        raise NotMade(f"no reference for component `{choice.name}` ({choice.path.lstrip('.')})")
    try:
        return make(found, replace(dimensions, role=choice.name), choice.changes)
    except CannotMake as error:
        raise NotMade(f"no reference for component `{choice.name}` ({found.__name__}): {error}") from None


def can_be_named(choice: Choice) -> bool:
    """Return whether a repository can hold a choice's component.

    `model_index.json` cannot name a deprecated pipeline's own classes, nor those that nothing loads.
    """
    import diffusers

    found = find(choice.path)
    if found is not None and not choice.own and not hasattr(found, "from_pretrained"):
        return False
    module = getattr(found, "__module__", "").split(".")
    if choice.own or module[0] != "diffusers":
        return True
    # A pipeline's own classes go by the name of its directory.
    home = getattr(diffusers.pipelines, module[-2], diffusers) if len(module) > 2 else diffusers
    return hasattr(home, found.__name__)


def build(parts: Mapping[str, Any], directory: Path) -> None:
    """Write components to `directory` as a Hub repository has them: a folder each, and `model_index.json`.

    Raises:
        NotMade: when one cannot be saved.
    """
    import diffusers

    directory.mkdir(parents=True)
    pipe = diffusers.DiffusionPipeline()
    pipe.register_modules(**parts)
    index: dict[str, Any] = {"_class_name": "DiffusionPipeline", "_diffusers_version": diffusers.__version__}
    for name, part in parts.items():
        if part is not None:
            try:
                part.save_pretrained(directory / name)
            except Exception as error:
                raise NotMade(f"no reference for component `{name}` ({type(part).__name__}): {error}") from None
        index[name] = list(pipe.config[name])
    (directory / "model_index.json").write_text(json.dumps(index, indent=2))
