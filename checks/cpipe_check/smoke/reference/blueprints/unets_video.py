"""UNets that denoise videos, and a ControlNet of theirs."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions

_WIDTHS = {"block_out_channels": (8, 16, 16, 16), "norm_num_groups": 4, "attention_head_dim": 4}


def _unet_3d(dimensions: Dimensions) -> dict[str, Any]:
    return {
        **_WIDTHS,
        "sample_size": 8,
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "layers_per_block": 1,
        "cross_attention_dim": dimensions.cross_width,
    }


def _i2vgen(dimensions: Dimensions) -> dict[str, Any]:
    return {**_unet_3d(dimensions), "in_channels": dimensions.latent_channels, "num_attention_heads": 2}


def _spatio_temporal(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "sample_size": 8,
        # The noise beside the picture's latents.
        "in_channels": 2 * dimensions.latent_channels,
        "out_channels": dimensions.latent_channels,
        # Its norms have 32 groups.
        "block_out_channels": (32,) * 4,
        "layers_per_block": 1,
        "num_attention_heads": 2,
        "cross_attention_dim": dimensions.text_width,
        # Three numbers, each embedded.
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 24,
        "num_frames": dimensions.frames,
    }


def _sparse_controlnet(dimensions: Dimensions) -> dict[str, Any]:
    return {
        **_WIDTHS,
        "in_channels": dimensions.latent_channels,
        "layers_per_block": 2,
        "cross_attention_dim": dimensions.cross_width,
        "motion_num_attention_heads": 2,
        "conditioning_embedding_out_channels": (4, 8, 8, 8),
    }


def _motion(dimensions: Dimensions) -> dict[str, Any]:
    """Motion modules for each block of the UNet in the set."""
    return {
        "block_out_channels": (8, 16, 16) if dimensions.is_xl else (8, 16, 16, 16),
        "motion_layers_per_block": 2,
        "motion_norm_num_groups": 2,
        "motion_num_attention_heads": 2,
        "use_motion_mid_block": not dimensions.is_xl,
    }


BLUEPRINTS: dict[str, Any] = {
    "UNet3DConditionModel": _unet_3d,
    "I2VGenXLUNet": _i2vgen,
    "UNetSpatioTemporalConditionModel": _spatio_temporal,
    "SparseControlNetModel": _sparse_controlnet,
    "MotionAdapter": _motion,
}
