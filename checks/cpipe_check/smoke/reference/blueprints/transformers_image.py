"""Transformers that denoise images."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions


def _flux(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "patch_size": 1,
        # Each token is a patch of 2 x 2 latents.
        "in_channels": dimensions.asked.get("channels", 4 * dimensions.latent_channels),
        "out_channels": 4 * dimensions.latent_channels,
        "num_layers": 2,
        "num_single_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": dimensions.text_width,
        "pooled_projection_dim": dimensions.pooled_width,
        "axes_dims_rope": [4, 4, 8],
        "guidance_embeds": True,
    }


def _flux_controlnet(dimensions: Dimensions) -> dict[str, Any]:
    configuration = {**_flux(dimensions), "in_channels": 4 * dimensions.latent_channels}
    del configuration["out_channels"]
    return configuration


def _sd3(dimensions: Dimensions) -> dict[str, Any]:
    both = dimensions.count("CLIPText", "text_encoder") * dimensions.pooled_width
    return {
        "sample_size": 8,
        "patch_size": 2,
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "num_layers": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "caption_projection_dim": 32,
        # CLIP's states side by side are padded to the width of T5's.
        "joint_attention_dim": both,
        "pooled_projection_dim": both,
        "pos_embed_max_size": 96,
    }


def _hunyuan_dit(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "sample_size": 8,
        "num_layers": 2,
        "patch_size": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 3,
        "in_channels": dimensions.latent_channels,
        "cross_attention_dim": dimensions.text_width,
        "cross_attention_dim_t5": dimensions.text_width,
        "pooled_projection_dim": 16,
        "hidden_size": 24,
        "activation_fn": "gelu-approximate",
    }


def _z_image(dimensions: Dimensions) -> Any:
    import torch
    from diffusers import ZImageTransformer2DModel

    model = ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=dimensions.latent_channels,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        qk_norm=True,
        cap_feat_dim=dimensions.text_width,
        rope_theta=256.0,
        t_scale=1000.0,
        axes_dims=[8, 4, 4],
        axes_lens=[1024, 64, 64],
    )
    # These two are left as memory holds them.
    torch.nn.init.ones_(model.x_pad_token)
    torch.nn.init.ones_(model.cap_pad_token)
    return model


BLUEPRINTS: dict[str, Any] = {
    "FluxTransformer2DModel": _flux,
    "FluxControlNetModel": _flux_controlnet,
    "SD3Transformer2DModel": _sd3,
    "HunyuanDiT2DModel": _hunyuan_dit,
    "ZImageTransformer2DModel": _z_image,
}
