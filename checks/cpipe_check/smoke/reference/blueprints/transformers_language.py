"""Transformers that denoise images by the states of a language model, often of several of its layers."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions

_HEADS = {"num_attention_heads": 2, "attention_head_dim": 16}


def _flux2(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": 4 * dimensions.latent_channels,
        "num_layers": 1,
        "num_single_layers": 1,
        **_HEADS,
        # Three layers' states side by side.
        "joint_attention_dim": 3 * dimensions.text_width,
        "timestep_guidance_channels": 32,
        "axes_dims_rope": (4, 4, 4, 4),
    }


def _krea(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": 4 * dimensions.latent_channels,
        "num_layers": 1,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 32,
        "timestep_embed_dim": 8,
        "text_hidden_dim": dimensions.text_width,
        # As many layers' states as the pipeline takes by default.
        "num_text_layers": 12,
        "text_num_attention_heads": 2,
        "text_num_key_value_heads": 1,
        "text_intermediate_size": 16,
        "num_layerwise_text_blocks": 1,
        "num_refiner_text_blocks": 1,
        "axes_dims_rope": (4, 2, 2),
    }


def _ideogram(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": 4 * dimensions.latent_channels,
        "num_layers": 1,
        **_HEADS,
        "intermediate_size": 32,
        "adaln_dim": 32,
        # Thirteen layers' states side by side.
        "llm_features_dim": 13 * dimensions.text_width,
        "mrope_section": (4, 2, 2),
    }


def _bria_fibo(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.latent_channels,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 8,
        "num_attention_heads": 2,
        "joint_attention_dim": 2 * dimensions.text_width,
        "text_encoder_dim": dimensions.text_width,
        "axes_dims_rope": [0, 4, 4],
    }


def _bria_fibo2(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.latent_channels,
        "dim": 32,
        "n_layers": 5,
        "n_refiner_layers": 1,
        "n_heads": 2,
        "cap_feat_dim": 3 * dimensions.text_width,
        "injection_layer_ids": (0, 1, 2, 3, 4),
        "perceiver_num_layers": 1,
        "axes_dims": (8, 4, 4),
    }


def _kandinsky(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_visual_dim": dimensions.latent_channels,
        "out_visual_dim": dimensions.latent_channels,
        "in_text_dim": dimensions.text_width,
        "in_text_dim2": dimensions.pooled_width,
        "time_dim": 16,
        "model_dim": 32,
        "ff_dim": 32,
        "num_text_blocks": 1,
        "num_visual_blocks": 1,
        "axes_dims": (4, 2, 2),
        # Whether it takes the latents of a picture beside the noise.
        "visual_cond": "channels" in dimensions.asked,
    }


def _nucleus(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": 4 * dimensions.latent_channels,
        "out_channels": dimensions.latent_channels,
        "num_layers": 2,
        **_HEADS,
        "joint_attention_dim": dimensions.text_width,
        "axes_dims_rope": (8, 4, 4),
        "moe_enabled": False,
        "capacity_factors": [8.0, 8.0],
    }


def _hidream(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "patch_size": 2,
        "in_channels": dimensions.latent_channels,
        "out_channels": dimensions.latent_channels,
        "num_layers": 1,
        "num_single_layers": 1,
        **_HEADS,
        "caption_channels": [dimensions.t5_width, dimensions.text_width],
        "text_emb_dim": 2 * dimensions.pooled_width,
        "axes_dims_rope": (8, 4, 4),
        "max_resolution": (32, 32),
        "llama_layers": (0, 1),
    }


def _lumina(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "sample_size": 8,
        "in_channels": dimensions.latent_channels,
        "hidden_size": 32,
        "num_layers": 1,
        "num_attention_heads": 2,
        "num_kv_heads": 2,
        "multiple_of": 16,
        "cross_attention_dim": dimensions.text_width,
    }


def _omnigen(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.latent_channels,
        "hidden_size": 32,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 32,
        "num_layers": 1,
        "vocab_size": 512,
        "pad_token_id": 3,
        "time_step_dim": 8,
        "rope_scaling": {"long_factor": [1.0] * 8, "short_factor": [1.0] * 8},
    }


def _prx(dimensions: Dimensions) -> dict[str, Any]:
    return {
        # Without an autoencoder it denoises pixels.
        "in_channels": dimensions.latent_channels if "vae" in dimensions.classes else 3,
        "context_in_dim": dimensions.text_width,
        "hidden_size": 32,
        "num_heads": 2,
        "depth": 1,
        "axes_dim": [8, 8],
    }


def _hunyuan_image(dimensions: Dimensions) -> dict[str, Any]:
    refines = dimensions.has("ImageRefiner")
    return {
        # The refiner takes noise and picture, of a latent of two frames each.
        "in_channels": (4 if refines else 1) * dimensions.latent_channels,
        "out_channels": (2 if refines else 1) * dimensions.latent_channels,
        **_HEADS,
        "num_layers": 1,
        "num_single_layers": 1,
        "num_refiner_layers": 1,
        "patch_size": (1, 1, 1) if refines else (1, 1),
        "text_embed_dim": dimensions.text_width,
        "text_embed_2_dim": None if refines else dimensions.text_width,
        "rope_axes_dim": (8, 4, 4) if refines else (8, 8),
    }


def _joy(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.latent_channels,
        "hidden_size": 32,
        "num_attention_heads": 2,
        "text_dim": dimensions.text_width,
        "num_layers": 1,
        "rope_dim_list": [8, 4, 4],
    }


BLUEPRINTS: dict[str, Any] = {
    "Flux2Transformer2DModel": _flux2,
    "Krea2Transformer2DModel": _krea,
    "Ideogram4Transformer2DModel": _ideogram,
    "BriaFiboTransformer2DModel": _bria_fibo,
    "BriaFibo2Transformer2DModel": _bria_fibo2,
    "Kandinsky5Transformer3DModel": _kandinsky,
    "NucleusMoEImageTransformer2DModel": _nucleus,
    "HiDreamImageTransformer2DModel": _hidream,
    "LuminaNextDiT2DModel": _lumina,
    "OmniGenTransformer2DModel": _omnigen,
    "PRXTransformer2DModel": _prx,
    "HunyuanImageTransformer2DModel": _hunyuan_image,
    "JoyImageEditTransformer3DModel": _joy,
    "JoyImageEditPlusTransformer3DModel": _joy,
}
