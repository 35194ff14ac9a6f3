"""Families of model repositories: what their components are, where a pipeline's text does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of model repository: its components by name, with their classes; the denoiser is what it is known by."""

    name: str
    components: Mapping[str, str]

    @property
    def flows(self) -> bool:
        """Whether its schedulers follow a flow, unlike those that start from a table of betas."""
        return self.components.get("scheduler", "").startswith("FlowMatch")

    @property
    def denoiser(self) -> str:
        """The class that does the work."""
        return next(self.components[name] for name in DENOISERS if name in self.components)


# The names of the component that a family is known by.
DENOISERS = ("transformer", "unet", "prior", "decoder", "dit", "denoiser", "model")
_SD = {"vae": "AutoencoderKL", "text_encoder": "CLIPTextModel", "tokenizer": "CLIPTokenizer"}
_FLOW = {"scheduler": "FlowMatchEulerDiscreteScheduler"}

# From small to large: of two that fit as well the smaller one is meant.
FAMILIES = (
    Family("ddpm", {"unet": "UNet2DModel", "scheduler": "DDPMScheduler"}),
    Family(
        "stable-diffusion",
        {
            **_SD,
            "unet": "UNet2DConditionModel",
            "scheduler": "PNDMScheduler",
            "safety_checker": "StableDiffusionSafetyChecker",
            "feature_extractor": "CLIPImageProcessor",
        },
    ),
    Family(
        "stable-diffusion-xl",
        {
            **_SD,
            "text_encoder_2": "CLIPTextModelWithProjection",
            "tokenizer_2": "CLIPTokenizer",
            "unet": "UNet2DConditionModel",
            "scheduler": "EulerDiscreteScheduler",
        },
    ),
    Family(
        "flux",
        {
            **_SD,
            **_FLOW,
            "text_encoder_2": "T5EncoderModel",
            "tokenizer_2": "T5Tokenizer",
            "transformer": "FluxTransformer2DModel",
        },
    ),
    Family(
        "stable-diffusion-3",
        {
            **_FLOW,
            "vae": "AutoencoderKL",
            "text_encoder": "CLIPTextModelWithProjection",
            "tokenizer": "CLIPTokenizer",
            "text_encoder_2": "CLIPTextModelWithProjection",
            "tokenizer_2": "CLIPTokenizer",
            "text_encoder_3": "T5EncoderModel",
            "tokenizer_3": "T5Tokenizer",
            "transformer": "SD3Transformer2DModel",
        },
    ),
    Family(
        "z-image",
        {
            **_FLOW,
            "vae": "AutoencoderKL",
            "text_encoder": "Qwen3Model",
            "tokenizer": "Qwen2Tokenizer",
            "transformer": "ZImageTransformer2DModel",
        },
    ),
    Family("dance-diffusion", {"unet": "UNet1DModel", "scheduler": "IPNDMScheduler"}),
    Family(
        "sana-video",
        {
            **_FLOW,
            "vae": "AutoencoderKLWan",
            "text_encoder": "Gemma2Model",
            "tokenizer": "GemmaTokenizer",
            "transformer": "SanaVideoTransformer3DModel",
        },
    ),
    Family(
        "musicldm",
        {
            "vae": "AutoencoderKL",
            "text_encoder": "ClapModel",
            "tokenizer": "RobertaTokenizer",
            "feature_extractor": "ClapFeatureExtractor",
            "unet": "UNet2DConditionModel",
            "scheduler": "DDIMScheduler",
            "vocoder": "SpeechT5HifiGan",
        },
    ),
)
_TOKENIZERS = (
    ("CLIP", "CLIPTokenizer"),
    ("Clap", "RobertaTokenizer"),
    ("T5Gemma", "GemmaTokenizer"),
    ("T5", "T5Tokenizer"),
    ("Qwen", "Qwen2Tokenizer"),
    ("Llama", "LlamaTokenizer"),
    ("Bert", "BertTokenizer"),
    ("ChatGLM", "ChatGLMTokenizer"),
    ("Gemma", "GemmaTokenizer"),
    # It puts a token before every text too.
    ("Glm", "GemmaTokenizer"),
    # Theirs are byte-level tokenizers too.
    ("Mistral", "Qwen2Tokenizer"),
    ("SmolLM", "Qwen2Tokenizer"),
)

# Schedulers that are told by what the call takes and hands on to them.
_SCHEDULERS = {"intermediate_timesteps": "SCMScheduler"}


def scheduler_for(call: Sequence[str]) -> str:
    """Return the class of the scheduler that a call with these parameters needs, "" when any will do."""
    return next((scheduler for name, scheduler in _SCHEDULERS.items() if name in call), "")


def nearest(names: Sequence[str], classes: Mapping[str, str]) -> Family:
    """Return the family that a pipeline with components of these names is of; `classes` are those known already."""

    def fit(family: Family) -> tuple[int, int]:
        known = [name for name in classes if name in family.components]
        agreeing = sum(classes[name] == family.components[name] for name in known)
        denoisers = [c for n, c in classes.items() if n.rpartition("_")[2] in DENOISERS]
        wrong = sum(c != family.denoiser for c in denoisers)
        return (
            4 * agreeing - 4 * wrong + 2 * sum(name in family.components for name in names),
            -len(family.components),
        )

    return max(FAMILIES, key=fit)


def tokenizer_for(text_encoder: str) -> str:
    """Return the class of the tokenizer that goes with a text encoder's class, "" when that is unknown."""
    return next((tokenizer for part, tokenizer in _TOKENIZERS if part in text_encoder), "")


def title(family: Family, classes: Mapping[str, str]) -> str:
    """Return what to call a reference: the family's name if its denoiser is that family's, else its denoiser's."""
    denoiser = next((classes[name] for name in DENOISERS if name in classes), "")
    if not denoiser or denoiser == family.denoiser:
        return family.name
    stem = re.sub(r"(?<!^)(Transformer)?(2D|3D)?(Condition)?Model$", "", denoiser)
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "-", stem).lower()
