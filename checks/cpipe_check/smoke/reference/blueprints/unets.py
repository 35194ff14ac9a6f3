"""UNets, and what hooks into them: ControlNets, adapters, motion modules."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.blueprints import unclip
from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions

_UNET2D = {
    "sample_size": 32,
    "out_channels": 3,
    "block_out_channels": (8, 8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 8,
    # It denoises pixels: attention at their full size would take long.
    "down_block_types": ("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
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


def _unet2d(dimensions: Dimensions) -> dict[str, Any]:
    if dimensions.has("UnCLIPTextProj"):
        return unclip.ENLARGING_UNET
    channels = dimensions.asked.get("channels", 3)
    # Latents of three channels, and when more are asked for, a picture of three beside them.
    return {**_UNET2D, "in_channels": 6 if channels > 3 and dimensions.has("VQModel") else channels}


def _condition(dimensions: Dimensions) -> dict[str, Any]:
    if (special := unclip.conditioned_unet(dimensions)) is not None:
        return special
    common = {"sample_size": dimensions.sample_size, "in_channels": dimensions.denoiser_channels, "layers_per_block": 2}
    if dimensions.is_xl:
        return {**common, "out_channels": 4, **_xl(dimensions)}
    # A UNet that is made for few steps is told the guidance.
    told = dimensions.asked.get("guidance", 32 if dimensions.has("LCMScheduler") else None)
    return {
        **common,
        "out_channels": 4,
        "block_out_channels": (8, 16, 16, 16),
        "norm_num_groups": 4,
        # The number of heads, for all that it is called.
        "attention_head_dim": 2,
        "cross_attention_dim": dimensions.cross_width,
        **({"time_cond_proj_dim": told} if told else {}),
        **_classes(dimensions),
        **(_SOUND if dimensions.has("Clap") else {}),
    }


def _classes(dimensions: Dimensions) -> dict[str, Any]:
    """What goes into the place of a class: how noisy an image is that is enlarged, or an image's embedding."""
    if "low_res_scheduler" in dimensions.classes:
        return {"num_class_embeds": 1000}
    if dimensions.has("ImageNormalizer"):
        return {"class_embed_type": "projection", "projection_class_embeddings_input_dim": 2 * TEXT_WIDTH}
    return {}


def _xl(dimensions: Dimensions) -> dict[str, Any]:
    """Stable Diffusion XL's conditions: two text encoders' widths side by side, and sizes as an added one."""
    return {
        "block_out_channels": (8, 16, 16),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "layers_per_block": 2,
        "norm_num_groups": 4,
        # The number of heads, for all that it is called: one where a head costs most.
        "attention_head_dim": (2, 1, 2),
        "use_linear_projection": True,
        "transformer_layers_per_block": (1, 1, 2),
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


def _controlnet_xs(dimensions: Dimensions) -> dict[str, Any]:
    """A small twin of the UNet, whose sizes it has to know."""
    unet = _unet(dimensions)
    return {
        "conditioning_embedding_out_channels": _CONDITION["conditioning_embedding_out_channels"],
        "num_attention_heads": unet["attention_head_dim"],
        "block_out_channels": unet["block_out_channels"],
        "base_block_out_channels": unet["block_out_channels"],
        "cross_attention_dim": unet["cross_attention_dim"],
        "sample_size": unet["sample_size"],
        "max_norm_num_groups": unet["norm_num_groups"],
        "upcast_attention": False,
        "use_linear_projection": dimensions.is_xl,
        **{k: unet[k] for k in ("down_block_types", "transformer_layers_per_block") if k in unet},
    }


def _t2i_adapter(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": 3,
        "channels": [8, 16, 16, 16],
        "num_res_blocks": 2,
        "downscale_factor": 16 if dimensions.is_xl else 8,
        "adapter_type": "full_adapter_xl" if dimensions.is_xl else "full_adapter",
    }


_UNET1D = {
    "sample_size": 512,
    "sample_rate": 16000,
    "in_channels": 2,
    "out_channels": 2,
    # The time, as wide as a Fourier embedding is: twice the first block.
    "extra_in_channels": 64,
    "time_embedding_type": "fourier",
    "use_timestep_embedding": False,
    "block_out_channels": (32, 32, 32),
    "down_block_types": ("DownBlock1DNoSkip", "DownBlock1D", "AttnDownBlock1D"),
    "mid_block_type": "UNetMidBlock1D",
    "up_block_types": ("AttnUpBlock1D", "UpBlock1D", "UpBlock1DNoSkip"),
}


def _dreamlite(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "sample_size": 8,
        "down_block_types": ("DreamLiteCrossAttnNoSelfAttnDownBlock2D", "DreamLiteCrossAttnDownBlock2D"),
        "up_block_types": ("DreamLiteCrossAttnUpBlock2D", "DreamLiteUpBlock2D"),
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "attention_head_dim": 8,
        "cross_attention_dim": dimensions.text_width,
    }


BLUEPRINTS: dict[str, Any] = {
    "DreamLiteUNetModel": _dreamlite,
    "UNet1DModel": _UNET1D,
    "UNet2DModel": _unet2d,
    "UNet2DConditionModel": _unet,
    "UNetFlatConditionModel": _condition,
    "ControlNetModel": _controlnet,
    "ControlNetUnionModel": _controlnet_union,
    "ControlNetXSAdapter": _controlnet_xs,
    "T2IAdapter": _t2i_adapter,
}
