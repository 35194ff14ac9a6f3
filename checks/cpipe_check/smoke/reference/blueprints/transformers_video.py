"""Transformers that denoise videos."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions


def _cogvideox(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "time_embed_dim": 2,
        "text_embed_dim": dimensions.text_width,
        "num_layers": 2,
        "sample_width": 8,
        "sample_height": 8,
        "sample_frames": 9,
        "patch_size": 2,
        "temporal_compression_ratio": 4,
        "max_text_seq_length": 226,
    }


def _ltx(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.latent_channels,
        "out_channels": dimensions.latent_channels,
        "patch_size": 1,
        "patch_size_t": 1,
        "num_attention_heads": 4,
        "attention_head_dim": 8,
        "cross_attention_dim": 32,
        "num_layers": 2,
        "caption_channels": dimensions.text_width,
    }


def _mochi(dimensions: Dimensions) -> Any:
    import torch
    from diffusers import MochiTransformer3DModel

    model = MochiTransformer3DModel(
        patch_size=2,
        num_attention_heads=2,
        attention_head_dim=8,
        num_layers=2,
        pooled_projection_dim=16,
        in_channels=dimensions.latent_channels,
        qk_norm="rms_norm",
        text_embed_dim=dimensions.text_width,
        time_embed_dim=4,
        activation_fn="swiglu",
        max_sequence_length=16,
    )
    # Left as memory holds it.
    torch.nn.init.zeros_(model.pos_frequencies)
    return model


def _wan(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "text_dim": dimensions.text_width,
        "freq_dim": 256,
        "ffn_dim": 32,
        "num_layers": 2,
        "cross_attn_norm": True,
        "qk_norm": "rms_norm_across_heads",
        "rope_max_seq_len": 32,
    }


def _hunyuan_video(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "num_attention_heads": 2,
        "attention_head_dim": 10,
        "num_layers": 2,
        "num_single_layers": 2,
        "num_refiner_layers": 1,
        "patch_size": 1,
        "patch_size_t": 1,
        "guidance_embeds": True,
        "text_embed_dim": dimensions.text_width,
        "pooled_projection_dim": dimensions.pooled_width,
        "rope_axes_dim": (2, 4, 4),
    }


BLUEPRINTS: dict[str, Any] = {
    "CogVideoXTransformer3DModel": _cogvideox,
    "LTXVideoTransformer3DModel": _ltx,
    "MochiTransformer3DModel": _mochi,
    "WanTransformer3DModel": _wan,
    "HunyuanVideoTransformer3DModel": _hunyuan_video,
}
