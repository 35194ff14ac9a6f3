"""Blueprints: for each component class the smallest configuration that the pipelines around it accept.

A blueprint is a configuration, or what makes one (or the component itself) from the set's dimensions. Weights are
random, drawn under the caller's seed. A class without a blueprint has its own configuration shrunk (`shrink.py`).

Sizes that pipelines hard-code stay real: CLIP's vocabulary of 49,408 (ids of its special tokens), four VAE blocks (a
factor of 8 between image and latents).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions

# A configuration, or a function from the dimensions to one or to the component itself.
Blueprint = Mapping[str, Any] | Callable[[Dimensions], Any]
# Classes that the installed libraries cannot load again. Pipelines do without, and their repositories may have none.
LEFT_OUT = frozenset({"IFSafetyChecker"})
_MODULES = (
    "audio", "autoencoders", "autoencoders_video", "cascade", "clip", "ltx2", "perception", "processors",
    "schedulers", "text_encoders", "tokenizers", "tokens", "transformers_image", "transformers_language",
    "transformers_video", "unclip", "unets", "unets_video", "vision_language",
)  # fmt: skip

BLUEPRINTS: dict[str, Blueprint] = {
    name: blueprint
    for module in _MODULES
    for name, blueprint in import_module(f"{__name__}.{module}").BLUEPRINTS.items()
}
