"""Tiny components: each class that we can make, with the smallest configuration that the pipelines around it accept.

Weights are random, drawn under the caller's seed. Sizes that pipelines hard-code stay real: CLIP's vocabulary of 49,408
(ids of its special tokens), four VAE blocks (a factor of 8 between image and latents).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TEXT_WIDTH = 32
CLIP_VOCABULARY = 49408
_CLIP_TEXT = {
    "vocab_size": CLIP_VOCABULARY,
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 37,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "projection_dim": TEXT_WIDTH,
    "max_position_embeddings": 77,
    "bos_token_id": 49406,
    "eos_token_id": 49407,
    "pad_token_id": 49407,
}
_CLIP_VISION = {
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "image_size": 32,
    "patch_size": 8,
    "projection_dim": TEXT_WIDTH,
}
_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def _unet2d() -> Any:
    from diffusers import UNet2DModel

    return UNet2DModel(
        sample_size=32,
        in_channels=3,
        out_channels=3,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )


def _unet2d_condition() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=TEXT_WIDTH,
    )


def unet_xl() -> Any:
    """The denoiser of Stable Diffusion XL: two text encoders' widths side by side, and sizes as an added condition."""
    from diffusers import UNet2DConditionModel

    times = 8
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16, 16),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=2,
        norm_num_groups=4,
        attention_head_dim=(2, 4, 4),
        use_linear_projection=True,
        transformer_layers_per_block=(1, 2, 2),
        cross_attention_dim=2 * TEXT_WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=times,
        # Six sizes, each embedded, beside the second text encoder's pooled output.
        projection_class_embeddings_input_dim=6 * times + TEXT_WIDTH,
    )


def _autoencoder_kl() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
        layers_per_block=1,
        latent_channels=4,
        sample_size=64,
    )


def _clip_text_model() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(CLIPTextConfig(**_CLIP_TEXT))


def _clip_text_model_with_projection() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    return CLIPTextModelWithProjection(CLIPTextConfig(**_CLIP_TEXT))


def _clip_config() -> Any:
    from transformers import CLIPConfig

    return CLIPConfig(text_config=_CLIP_TEXT, vision_config=_CLIP_VISION, projection_dim=TEXT_WIDTH)


def _clip_model() -> Any:
    from transformers import CLIPModel

    return CLIPModel(_clip_config())


def _clip_vision_model() -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    return CLIPVisionModelWithProjection(CLIPVisionConfig(**_CLIP_VISION))


def _safety_checker() -> Any:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    return StableDiffusionSafetyChecker(_clip_config())


def _clip_tokenizer() -> Any:
    """A byte-level tokenizer without merges: every text has tokens, and the special ones keep their real ids."""
    from transformers import CLIPTokenizer

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += [f"<|unused{i}|>" for i in range(CLIP_VOCABULARY - 2 - len(tokens))]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=77)


def _clip_image_processor() -> Any:
    from transformers import CLIPImageProcessor

    return CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})


def _ddpm_scheduler() -> Any:
    from diffusers import DDPMScheduler

    return DDPMScheduler(num_train_timesteps=1000)


def _euler_scheduler() -> Any:
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler(steps_offset=1, timestep_spacing="leading", **_BETAS)


def _pndm_scheduler() -> Any:
    from diffusers import PNDMScheduler

    return PNDMScheduler(skip_prk_steps=True, steps_offset=1, **_BETAS)


FACTORIES: dict[str, Callable[[], Any]] = {
    "UNet2DModel": _unet2d,
    "UNet2DConditionModel": _unet2d_condition,
    "AutoencoderKL": _autoencoder_kl,
    "CLIPTextModel": _clip_text_model,
    "CLIPTextModelWithProjection": _clip_text_model_with_projection,
    "CLIPModel": _clip_model,
    "CLIPVisionModelWithProjection": _clip_vision_model,
    "StableDiffusionSafetyChecker": _safety_checker,
    "CLIPTokenizer": _clip_tokenizer,
    "CLIPImageProcessor": _clip_image_processor,
    "CLIPFeatureExtractor": _clip_image_processor,
    "DDPMScheduler": _ddpm_scheduler,
    "EulerDiscreteScheduler": _euler_scheduler,
    "PNDMScheduler": _pndm_scheduler,
}


def factory(class_name: str) -> Callable[[], Any] | None:
    """Return what makes a tiny component of a class, None when we cannot. Any scheduler of diffusers can be made."""
    if class_name in FACTORIES:
        return FACTORIES[class_name]
    if class_name.endswith("Scheduler"):
        import diffusers

        scheduler = getattr(diffusers, class_name, None)
        return None if scheduler is None else scheduler
    return None
