"""The families of references, and which one fits a pipeline's components."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpipe_check.smoke.job import Argument
from cpipe_check.smoke.reference.components import FACTORIES, factory, unet_xl

_CLASS_NAME = re.compile(r"[A-Z]\w*")
_PLAIN_VALUE = re.compile(r"\b(int|float|str|bool|bytes|dict|list)\b")
_NO_CLASS = frozenset({"Optional", "Union", "None", "List", "Any", "Callable", "Type"})
# Annotations that any model, tokenizer or image processor satisfies.
_ANY_CLASS = frozenset({"ModelMixin", "Module", "PreTrainedModel", "PreTrainedTokenizer", "PreTrainedTokenizerBase"})


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of model repository: the library pipeline that it belongs to, and the class of each component.

    `image_size` is the height and width in pixels that its pipelines are called with. `own` makes the components that
    are unlike others of their class.
    """

    name: str
    pipeline: str
    components: Mapping[str, str]
    image_size: int
    own: Mapping[str, Callable[[], Any]] = field(default_factory=dict)


DDPM = Family("ddpm", "DDPMPipeline", {"unet": "UNet2DModel", "scheduler": "DDPMScheduler"}, 32)
STABLE_DIFFUSION = Family(
    "stable-diffusion",
    "StableDiffusionPipeline",
    {
        "vae": "AutoencoderKL",
        "text_encoder": "CLIPTextModel",
        "tokenizer": "CLIPTokenizer",
        "unet": "UNet2DConditionModel",
        "scheduler": "PNDMScheduler",
        "safety_checker": "StableDiffusionSafetyChecker",
        "feature_extractor": "CLIPImageProcessor",
    },
    64,
)
STABLE_DIFFUSION_XL = Family(
    "stable-diffusion-xl",
    "StableDiffusionXLPipeline",
    {
        "vae": "AutoencoderKL",
        "text_encoder": "CLIPTextModel",
        "text_encoder_2": "CLIPTextModelWithProjection",
        "tokenizer": "CLIPTokenizer",
        "tokenizer_2": "CLIPTokenizer",
        "unet": "UNet2DConditionModel",
        "scheduler": "EulerDiscreteScheduler",
        "image_encoder": "CLIPVisionModelWithProjection",
        "feature_extractor": "CLIPImageProcessor",
    },
    64,
    {"unet": unet_xl},
)
FAMILIES = (DDPM, STABLE_DIFFUSION, STABLE_DIFFUSION_XL)


class NoReference(Exception):
    """No reference can be made for a pipeline. The message names the component."""


def classes_named(annotation: str | None) -> list[str]:
    """Return the class names in an annotation's source, in order, without transformers' suffixes for a backend."""
    names = (name for name in _CLASS_NAME.findall(annotation or "") if name not in _NO_CLASS)
    return [name.removesuffix("Fast").removesuffix("Pil") for name in names]


def accepts(annotation: str | None, class_name: str) -> bool:
    """Return whether a parameter so annotated takes a component of a class. Any scheduler stands for any other."""
    names = classes_named(annotation)
    if not names and _PLAIN_VALUE.search(annotation or ""):
        return False
    if not names or class_name in names or not _ANY_CLASS.isdisjoint(names):
        return True
    if class_name.endswith("Scheduler"):
        return any("Scheduler" in name for name in names)
    return any(FACTORIES.get(name) is FACTORIES[class_name] for name in names if name in FACTORIES)


def choose(arguments: Sequence[Argument], defines: Sequence[str] = ()) -> Family:
    """Return the family that gives most of a pipeline's components, of the classes that their annotations ask for.

    `defines` are the classes that the pipeline file defines: one of those is not for us to replace.

    Raises:
        NoReference: when a component is of a class that neither a family nor a factory gives.
    """
    own = [name for name in defines if name.endswith("Scheduler")]
    for argument in arguments:
        asked = classes_named(argument.annotation)
        if argument.required and (set(asked) & set(defines) or (own and not asked and "scheduler" in argument.name)):
            raise NoReference(f"no reference for component `{argument.name}`, of a class that the file defines")
    components = [a for a in arguments if a.required or any(a.name in f.components for f in FAMILIES)]
    fitting = [family for family in FAMILIES if _misfit(components, family) is None]
    if not fitting:
        misfits = [misfit for family in FAMILIES if (misfit := _misfit(components, family))]
        known = [a for a in misfits if any(a.name in family.components for family in FAMILIES)]
        wrong = (known or misfits)[0]
        named = f" ({wrong.annotation})" if wrong.annotation else ""
        raise NoReference(f"no reference for component `{wrong.name}`{named}")
    # Families come from small to large: of two that give as much, the smaller one is meant.
    return max(fitting, key=lambda family: sum(_gives(family, a) for a in components))


def _gives(family: Family, argument: Argument) -> bool:
    class_name = family.components.get(argument.name)
    return class_name is not None and accepts(argument.annotation, class_name)


def _misfit(components: Sequence[Argument], family: Family) -> Argument | None:
    for argument in components:
        if not _gives(family, argument) and argument.required and made_from_hint(argument) is None:
            return argument
    return None


def made_from_hint(argument: Argument) -> str | None:
    """Return the first class in a parameter's annotation that has a tiny component, None when there is none."""
    return next((name for name in classes_named(argument.annotation) if factory(name) is not None), None)


def build(family: Family, directory: Path) -> None:
    """Write the family's reference to `directory`, laid out by `save_pretrained` as a Hub repository is."""
    import diffusers

    parts: dict[str, Any] = {
        name: family.own.get(name, FACTORIES[class_name])() for name, class_name in family.components.items()
    }
    getattr(diffusers, family.pipeline)(**parts).save_pretrained(directory)
