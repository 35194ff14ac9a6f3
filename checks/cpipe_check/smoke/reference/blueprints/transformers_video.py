"""Transformers that denoise videos."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions


def _cogvideox_like(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "time_embed_dim": 2,
        "text_embed_dim": dimensions.text_width,
        "sample_width": 8,
        "sample_height": 8,
        "patch_size": 2,
    }


def _cogvideox(dimensions: Dimensions) -> dict[str, Any]:
    return {
        **_cogvideox_like(dimensions),
        "num_layers": 2,
        "sample_frames": 9,
        "temporal_compression_ratio": 4,
        "max_text_seq_length": 226,
        # As in all but the smallest checkpoint.
        "use_rotary_positional_embeddings": True,
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
        num_layers=dimensions.asked.get("layers", 2),
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
        **({"image_dim": dimensions.text_width} if "image_encoder" in dimensions.classes else {}),
    }


def _wan_vace(dimensions: Dimensions) -> dict[str, Any]:
    # Two videos' latents, and an 8 x 8 mask for each.
    control = 2 * dimensions.latent_channels + 64
    return {**_wan(dimensions), "vace_layers": [0, 1], "vace_in_channels": control}


def _wan_animate(dimensions: Dimensions) -> dict[str, Any]:
    return {
        **_wan(dimensions),
        "in_channels": 2 * dimensions.latent_channels + 4,
        "latent_channels": dimensions.latent_channels,
        "motion_encoder_channel_sizes": {"4": 16, "8": 16, "16": 16},
        "motion_encoder_size": 16,
        "motion_style_dim": 8,
        "motion_dim": 4,
        "motion_encoder_dim": 16,
        "face_encoder_hidden_dim": 16,
        "face_encoder_num_heads": 2,
        "inject_face_latents_blocks": 2,
    }


def _wan_chunks(dimensions: Dimensions) -> dict[str, Any]:
    """Frames denoised in chunks: as many of one frame as a short video has."""
    return {**_wan(dimensions), "chunk_partition": (1,) * ((dimensions.frames - 1) // 4 + 1)}


def _helios(dimensions: Dimensions) -> dict[str, Any]:
    return {**_wan(dimensions), "rope_dim": (4, 4, 4), "guidance_cross_attn": True}


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
        **(_beside_noise(dimensions) if dimensions.has("Llava") else {}),
    }


def _beside_noise(dimensions: Dimensions) -> dict[str, Any]:
    """What is otherwise where a picture's latents and a mask stand beside the noise."""
    channels = 2 * dimensions.latent_channels + 1
    return {"in_channels": channels, "image_condition_type": "latent_concat", "guidance_embeds": False}


def _hunyuan_framepack(dimensions: Dimensions) -> dict[str, Any]:
    return {
        **_hunyuan_video(dimensions),
        "patch_size": 2,
        "has_image_proj": True,
        "image_proj_dim": dimensions.text_width,
        "has_clean_x_embedder": True,
    }


def _hunyuan_video_15(dimensions: Dimensions) -> dict[str, Any]:
    return {
        # Noise, a picture's latents and a mask.
        "in_channels": 2 * dimensions.latent_channels + 1,
        "out_channels": dimensions.latent_channels,
        "num_attention_heads": 2,
        "attention_head_dim": 8,
        "num_layers": 1,
        "num_refiner_layers": 1,
        "mlp_ratio": 2.0,
        "text_embed_dim": dimensions.text_width,
        "text_embed_2_dim": dimensions.text_width,
        "image_embed_dim": dimensions.text_width,
        "rope_axes_dim": (2, 2, 4),
        "target_size": dimensions.image_size,
        "task_type": "i2v" if "image_encoder" in dimensions.classes else "t2v",
    }


def _motif(dimensions: Dimensions) -> dict[str, Any]:
    return {
        # Noise, a picture's latents and a mask.
        "in_channels": 2 * dimensions.latent_channels + 1,
        "out_channels": dimensions.latent_channels,
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "num_layers": 1,
        "num_single_layers": 1,
        "patch_size": 1,
        "text_embed_dim": dimensions.text_width,
        "image_embed_dim": dimensions.text_width if "feature_extractor" in dimensions.classes else None,
        "rope_axes_dim": (4, 4, 4),
    }


def _allegro(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": dimensions.latent_channels,
        "out_channels": dimensions.latent_channels,
        "num_layers": 1,
        "cross_attention_dim": 24,
        "sample_width": 8,
        "sample_height": 8,
        "sample_frames": 8,
        "caption_channels": dimensions.text_width,
    }


def _latte(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "sample_size": 8,
        "num_layers": 1,
        "patch_size": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 3,
        "caption_channels": dimensions.text_width,
        "in_channels": dimensions.latent_channels,
        "cross_attention_dim": 24,
        # Means and variances.
        "out_channels": 2 * dimensions.latent_channels,
        "attention_bias": True,
        "activation_fn": "gelu-approximate",
        "num_embeds_ada_norm": 1000,
        "norm_type": "ada_norm_single",
        "norm_elementwise_affine": False,
        "norm_eps": 1e-6,
        "video_length": dimensions.frames,
    }


def _easyanimate(dimensions: Dimensions) -> dict[str, Any]:
    return {**_cogvideox_like(dimensions), "num_layers": 1, "mmdit_layers": 1}


def _consisid(dimensions: Dimensions) -> dict[str, Any]:
    return {
        **_cogvideox(dimensions),
        # Noise beside the picture's latents.
        "in_channels": 2 * dimensions.latent_channels,
    }


def _cosmos(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "num_layers": 2,
        "mlp_ratio": 2,
        "text_embed_dim": dimensions.text_width,
        "adaln_lora_dim": 4,
        "max_size": (4, 32, 32),
    }


def _cosmos_controlnet(dimensions: Dimensions) -> dict[str, Any]:
    # Latents, a mask of the frames given and one of the padding.
    channels = dimensions.latent_channels + 2
    small = {"n_controlnet_blocks": 1, "model_channels": 32, "in_channels": channels, "latent_channels": channels}
    return {**_cosmos(dimensions), **small}


BLUEPRINTS: dict[str, Any] = {
    "CogVideoXTransformer3DModel": _cogvideox,
    "LTXVideoTransformer3DModel": _ltx,
    "MochiTransformer3DModel": _mochi,
    "WanTransformer3DModel": _wan,
    "SkyReelsV2Transformer3DModel": _wan,
    "ChronoEditTransformer3DModel": _wan,
    "WanVACETransformer3DModel": _wan_vace,
    "WanAnimateTransformer3DModel": _wan_animate,
    "AnyFlowTransformer3DModel": _wan,
    "AnyFlowFARTransformer3DModel": _wan_chunks,
    "HeliosTransformer3DModel": _helios,
    "HunyuanVideoTransformer3DModel": _hunyuan_video,
    "HunyuanVideoFramepackTransformer3DModel": _hunyuan_framepack,
    "HunyuanVideo15Transformer3DModel": _hunyuan_video_15,
    "MotifVideoTransformer3DModel": _motif,
    "AllegroTransformer3DModel": _allegro,
    "LatteTransformer3DModel": _latte,
    "EasyAnimateTransformer3DModel": _easyanimate,
    "ConsisIDTransformer3DModel": _consisid,
    "CosmosTransformer3DModel": _cosmos,
    "CosmosControlNetModel": _cosmos_controlnet,
}
