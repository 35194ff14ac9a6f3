"""UNets, and what hooks into them: ControlNets, adapters, motion modules."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions

_UNET2D = {
    "sample_size": 32,
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 4,
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
}
# How a condition image becomes the size of the latents.
_CONDITION = {"conditioning_channels": 3, "conditioning_embedding_out_channels": (4, 8, 8, 8)}
_SIZE_EMBEDDING = 8
# UNets of AudioLDM take the whole prompt as a class, and attend to nothing but the sound.
_SOUND = {
    "cross_attention_dim": (8, 16, 16, 16),
    "class_embed_type": "simple_projection",
    "projection_class_embeddings_input_dim": TEXT_WIDTH,
    "class_embeddings_concat": True,
}


def _condition(dimensions: Dimensions) -> dict[str, Any]:
    common = {"sample_size": 8, "in_channels": dimensions.denoiser_channels, "layers_per_block": 2}
    if dimensions.is_xl:
        return {**common, "out_channels": 4, **_xl(dimensions)}
    noise_level = {"num_class_embeds": 1000} if "low_res_scheduler" in dimensions.classes else {}
    return {
        **common,
        "out_channels": 4,
        "block_out_channels": (8, 16, 16, 16),
        "norm_num_groups": 4,
        "attention_head_dim": 4,
        "cross_attention_dim": dimensions.cross_width,
        **noise_level,
        **(_SOUND if dimensions.has("Clap") else {}),
    }


def _xl(dimensions: Dimensions) -> dict[str, Any]:
    """Stable Diffusion XL's conditions: two text encoders' widths side by side, and sizes as an added one."""
    return {
        "block_out_channels": (8, 16, 16),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "layers_per_block": 2,
        "norm_num_groups": 4,
        "attention_head_dim": (2, 4, 4),
        "use_linear_projection": True,
        "transformer_layers_per_block": (1, 2, 2),
        "cross_attention_dim": dimensions.cross_width,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": _SIZE_EMBEDDING,
        # Sizes, each embedded, beside the pooled output of the last text encoder.
        "projection_class_embeddings_input_dim": dimensions.asked.get(
            "added", dimensions.added_numbers * _SIZE_EMBEDDING + dimensions.pooled_width
        ),
    }


def _unet(dimensions: Dimensions) -> dict[str, Any]:
    ups = ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")
    return {**_condition(dimensions), **({"up_block_types": ups} if dimensions.is_xl else {})}


def _controlnet(dimensions: Dimensions) -> dict[str, Any]:
    configuration = {k: v for k, v in _condition(dimensions).items() if k not in ("sample_size", "out_channels")}
    # It adds to latents, whatever else an inpainting UNet takes beside them.
    return {**configuration, **_CONDITION, "in_channels": dimensions.latent_channels}


def _controlnet_union(dimensions: Dimensions) -> dict[str, Any]:
    small = {"num_control_type": 8, "num_trans_channel": 8, "num_trans_head": 2, "num_proj_channel": 8}
    return {**_controlnet(dimensions), **small}


def _t2i_adapter(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": 3,
        "channels": [8, 16, 16, 16],
        "num_res_blocks": 2,
        "downscale_factor": 16 if dimensions.is_xl else 8,
        "adapter_type": "full_adapter_xl" if dimensions.is_xl else "full_adapter",
    }


_PRIOR = {"num_attention_heads": 2, "attention_head_dim": 12, "embedding_dim": TEXT_WIDTH, "num_layers": 1}

BLUEPRINTS: dict[str, Any] = {
    "UNet2DModel": _UNET2D,
    "UNet2DConditionModel": _unet,
    "ControlNetModel": _controlnet,
    "ControlNetUnionModel": _controlnet_union,
    "T2IAdapter": _t2i_adapter,
    "PriorTransformer": _PRIOR,
}
