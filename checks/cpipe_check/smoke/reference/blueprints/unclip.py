"""Models around embeddings of images: unCLIP, Kandinsky, Shap-E, and DeepFloyd IF, whose UNets are built alike."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions

_CHANNELS = (8, 16)
_TIME_WIDTH = 4 * _CHANNELS[0]
_RESNET = {
    "sample_size": 8,
    "block_out_channels": _CHANNELS,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 4,
    "resnet_time_scale_shift": "scale_shift",
}
_CROSS_ATTENTION = {
    "down_block_types": ("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": ("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
}
# UnCLIP's UNet2DModels take the small image beside the noise.
ENLARGING_UNET = {
    **_RESNET,
    "sample_size": 16,
    "in_channels": 6,
    "out_channels": 3,
    "down_block_types": ("ResnetDownsampleBlock2D",) * 2,
    "up_block_types": ("ResnetUpsampleBlock2D",) * 2,
}


def conditioned_unet(dimensions: Dimensions) -> dict[str, Any] | None:
    """Return the configuration of such a family's UNet2DConditionModel, None for a set of another family.

    Each predicts a variance beside the noise, hence twice as many channels as it takes.
    """
    common = {**_RESNET, **_CROSS_ATTENTION, "cross_attention_dim": dimensions.cross_width}
    if "movq" in dimensions.classes:
        kind = "text_image" if dimensions.has("MultilingualCLIP") else "image"
        projected = {"encoder_hid_dim": TEXT_WIDTH, "encoder_hid_dim_type": f"{kind}_proj", "addition_embed_type": kind}
        return {**common, **projected, "in_channels": dimensions.denoiser_channels, "out_channels": 8}
    if dimensions.has("UnCLIPTextProj"):
        return {**common, "in_channels": 3, "out_channels": 6, "class_embed_type": "identity"}
    if dimensions.has("T5Encoder") and not dimensions.has("Autoencoder"):
        enlarges = "image_noising_scheduler" in dimensions.classes
        return {
            **common,
            "sample_size": 32,
            "in_channels": 6 if enlarges else 3,
            "out_channels": 6,
            "encoder_hid_dim": dimensions.text_width,
            "addition_embed_type": "text",
            "addition_embed_type_num_heads": 2,
            **({"class_embed_type": "timestep"} if enlarges else {}),
        }
    return None


def _prior(dimensions: Dimensions) -> dict[str, Any]:
    common = {"num_attention_heads": 2, "attention_head_dim": 12, "embedding_dim": TEXT_WIDTH, "num_layers": 1}
    if not dimensions.has("ShapERenderer"):
        return common
    return {
        **common,
        "num_embeddings": 32,
        "embedding_proj_dim": TEXT_WIDTH,
        "clip_embed_dim": 2 * TEXT_WIDTH,
        "additional_embeddings": 0,
        "time_embed_act_fn": "gelu",
        "norm_in_type": "layer",
        "embedding_proj_norm_type": "layer",
        "encoder_hid_proj_type": None,
        "added_emb_type": None,
    }


def _text_projection(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "clip_embeddings_dim": TEXT_WIDTH,
        "time_embed_dim": _TIME_WIDTH,
        "cross_attention_dim": dimensions.cross_width,
    }


def _kandinsky3(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.denoiser_channels,
        "time_embedding_dim": 4,
        "groups": 2,
        "attention_head_dim": 4,
        "layers_per_block": 3,
        "block_out_channels": (8, 16),
        "cross_attention_dim": 4,
        "encoder_hid_dim": dimensions.text_width,
    }


_RENDERER = {
    "param_shapes": ((8, 93), (8, 8), (8, 8), (8, 8)),
    "d_latent": TEXT_WIDTH,
    "d_hidden": 8,
    "n_output": 12,
    "background": (0.1, 0.1, 0.1),
}
BLUEPRINTS: dict[str, Any] = {
    "PriorTransformer": _prior,
    "UnCLIPTextProjModel": _text_projection,
    "StableUnCLIPImageNormalizer": {"embedding_dim": TEXT_WIDTH},
    "Kandinsky3UNet": _kandinsky3,
    "ShapERenderer": _RENDERER,
}
