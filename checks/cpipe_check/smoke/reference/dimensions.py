"""Sizes that the components of one reference agree on, solved from the classes in the set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXT_WIDTH = 32
# The rows of a spectrogram.
MEL_BINS = 64
# The channels that an image VAE's latents have, by the denoiser that takes them. All other image denoisers take 4.
_SIXTEEN_LATENTS = (
    "Flux", "SD3", "ZImage", "Chroma", "HiDream", "CogView4", "Lumina2", "Bria", "OmniGen", "VisualCloze", "PRX",
    "Ovis", "LongCat", "CogView3", "GlmImage", "Kandinsky5",
)  # fmt: skip
# The latents' channels of the other autoencoders, as `blueprints` makes them.
_LATENTS = {
    "AutoencoderKLCogVideoX": 4,
    "AutoencoderKLHunyuanVideo": 4,
    "AutoencoderKLLTXVideo": 8,
    "AutoencoderKLMochi": 12,
    "AutoencoderKLWan": 16,
    "AutoencoderKLQwenImage": 16,
    "AutoencoderKLAllegro": 4,
    "AutoencoderKLHunyuanVideo15": 4,
    "AutoencoderKLMagvit": 4,
    "AutoencoderKLLTX2Video": 4,
    "AutoencoderKLCosmos": 4,
    "AutoencoderSAME": 8,
    "LongCatAudioDiTVae": 8,
    "AutoencoderDC": 4,
    "AutoencoderOobleck": 4,
    "AutoencoderKLFlux2": 32,
    "AutoencoderKLHunyuanImage": 4,
    "AutoencoderKLHunyuanImageRefiner": 4,
    "AutoencoderKLQwenImage21": 64,
}
# Denoisers whose pipelines take the states of a language model's layers by their real numbers.
_DEEP = ("Flux2", "Krea2", "Ideogram4", "BriaFibo", "NucleusMoE")
# Frames of a short video, by a part of the denoiser's name. The temporal factor of their autoencoders divides one less.
_FRAMES = {"LTX2": 17, "LTX": 9, "CogVideoX": 9, "Mochi": 7, "Allegro": 8, "AnimateDiff": 4, "Motion": 4, "UNet3D": 4}


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What one set of components is like.

    `classes` holds the class of each component, by the name of the pipeline's parameter. `asked` are sizes that an
    error of an earlier attempt asked for: "channels" (the denoiser's input), "parts" (how many latents it takes side by
    side), "control" (what a ControlNet takes besides the latents), "cross" (the text width), "added" (what else it is
    conditioned on), "image_size", "frames". `role` is the parameter that is being made a component for.
    `words` have a token each in a tokenizer.
    """

    classes: Mapping[str, str]
    asked: Mapping[str, int] = field(default_factory=dict)
    role: str = ""
    words: tuple[str, ...] = ()

    def has(self, *parts: str) -> bool:
        """Return whether a class of the set has one of these in its name."""
        return any(part in name for name in self.classes.values() for part in parts)

    def count(self, part: str, role: str = "") -> int:
        """Return how many components have `part` in their class's name and `role` in their parameter's."""
        return sum(part in name and role in parameter for parameter, name in self.classes.items())

    @property
    def latent_channels(self) -> int:
        """Channels of the latents."""
        special = next((_LATENTS[name] for name in self.classes.values() if name in _LATENTS), 0)
        if special:
            return special
        return 16 if self.has(*_SIXTEEN_LATENTS) else 4

    @property
    def denoiser_channels(self) -> int:
        """Channels that the denoiser takes, before any packing: the latents', or what an attempt asked for."""
        return self.asked.get("channels", self.latent_channels)

    @property
    def is_xl(self) -> bool:
        """Whether a UNet is conditioned as that of Stable Diffusion XL: pooled text and sizes beside the prompt."""
        return self.has("UNet2DCondition") and ("text_encoder_2" in self.classes or self.has("ChatGLM"))

    @property
    def text_width(self) -> int:
        """The width of one text encoder's states."""
        # Pipelines around ChatGLM have its real width in their text.
        return self.asked.get("text_width", 4096 if self.has("ChatGLM") else TEXT_WIDTH)

    @property
    def t5_width(self) -> int:
        """The width of T5's states. In Stable Diffusion 3 the states of CLIP, side by side, are padded to it."""
        return max(self.count("CLIPText", "text_encoder"), 1) * TEXT_WIDTH if self.has("SD3") else self.text_width

    @property
    def text_layers(self) -> int:
        """How many layers a language model has."""
        return 36 if self.has(*_DEEP) else 4

    @property
    def clip_width(self) -> int:
        """The width of CLIP's states, and of what it projects to."""
        return self.asked.get("text_width", TEXT_WIDTH)

    @property
    def pooled_width(self) -> int:
        """The width of a text encoder's pooled output."""
        return self.text_width

    @property
    def added_numbers(self) -> int:
        """How many sizes a UNet of Stable Diffusion XL is conditioned on."""
        return 6

    @property
    def cross_width(self) -> int:
        """The width of what a UNet attends to: in Stable Diffusion XL two text encoders side by side."""
        both = self.count("CLIPText", "text_encoder") > 1 and self.is_xl
        return self.asked.get("cross", (2 if both else 1) * self.text_width)

    @property
    def image_size(self) -> int:
        """Height and width in pixels of the images that the pipeline is called with."""
        pixels = self.has("UNet2DModel") and not self.has("Autoencoder", "VQModel")
        # Würstchen's stages divide by 42.67 and multiply by 10.67: of this size comes a power of two.
        return self.asked.get("image_size", 128 if self.has("PaellaVQ", "WuerstchenPrior") else 32 if pixels else 64)

    @property
    def sample_size(self) -> int:
        """Height and width of the latents of an image, by the factor that most autoencoders have."""
        return self.image_size // 8

    @property
    def vision_size(self) -> int:
        """Height and width in pixels of the pictures that a vision encoder takes."""
        # Pipelines around Llava have the real number of its tokens in their text.
        return self.asked.get("vision_size", 336 if self.has("Llava") else 32)

    @property
    def frames(self) -> int:
        """Frames of a short video."""
        return self.asked.get("frames", next((count for part, count in _FRAMES.items() if self.has(part)), 5))
