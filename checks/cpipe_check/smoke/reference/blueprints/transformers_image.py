"""Transformers that denoise images."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions


def _flux(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "patch_size": 1,
        # Each token is a patch of 2 x 2 latents, of so many parts side by side.
        "in_channels": dimensions.asked.get(
            "channels", 4 * dimensions.latent_channels * dimensions.asked.get("parts", 1)
        ),
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


def _chroma(dimensions: Dimensions) -> dict[str, Any]:
    narrow = {"approximator_num_channels": 8, "approximator_hidden_dim": 32, "approximator_layers": 1}
    return {**_flux(dimensions), **narrow}


def _flux_controlnet(dimensions: Dimensions) -> dict[str, Any]:
    configuration = {**_flux(dimensions), "in_channels": 4 * dimensions.latent_channels}
    del configuration["out_channels"]
    return configuration


def _sd3(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "sample_size": 8,
        "patch_size": 2,
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "num_layers": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "caption_projection_dim": 32,
        "joint_attention_dim": dimensions.t5_width,
        "pooled_projection_dim": dimensions.t5_width,
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


def _hunyuan_controlnet(dimensions: Dimensions) -> dict[str, Any]:
    configuration = _hunyuan_dit(dimensions)
    return {**configuration, "transformer_num_layers": configuration["num_layers"]}


def _sd3_controlnet(dimensions: Dimensions) -> dict[str, Any]:
    extra = {"extra_conditioning_channels": dimensions.asked.get("control", 0)}
    return {**_sd3(dimensions), "in_channels": dimensions.latent_channels, **extra}


def _qwen_controlnet(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": 4 * dimensions.latent_channels,
        "out_channels": dimensions.latent_channels,
        "num_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": dimensions.text_width,
        "axes_dims_rope": (8, 4, 4),
        "extra_condition_channels": dimensions.asked.get("control", 0),
    }


def _redux(dimensions: Dimensions) -> dict[str, Any]:
    return {"redux_dim": 32, "txt_in_features": dimensions.text_width}


def _sana(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "in_channels": dimensions.latent_channels,
        "out_channels": dimensions.latent_channels,
        "num_layers": 1,
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "num_cross_attention_heads": 2,
        "cross_attention_head_dim": 16,
        "cross_attention_dim": 32,
        "caption_channels": dimensions.text_width,
        "sample_size": 32,
        # That of the distilled models, which go with this scheduler.
        "guidance_embeds": dimensions.has("SCMScheduler"),
    }


def _cogview4(dimensions: Dimensions) -> dict[str, Any]:
    # Packed tokens tell how many channels were to be embedded.
    latents = dimensions.asked.get("channels", 0) // 4 or dimensions.latent_channels
    return {
        "in_channels": 2 * dimensions.latent_channels if latents > dimensions.latent_channels else latents,
        "out_channels": dimensions.latent_channels,
        "num_layers": 1,
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "text_embed_dim": dimensions.text_width,
        "time_embed_dim": 8,
        "condition_dim": 4,
        "rope_axes_dim": (16, 16),
    }


def _pixart(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "sample_size": 8,
        "num_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "in_channels": dimensions.latent_channels,
        # Noise and variance.
        "out_channels": 2 * dimensions.latent_channels,
        "cross_attention_dim": 32,
        "caption_channels": dimensions.text_width,
    }


def _chrono_edit(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        # Noise, the picture's latents, and a mask of four frames.
        "in_channels": 2 * dimensions.latent_channels + 4,
        "out_channels": dimensions.latent_channels,
        "text_dim": dimensions.text_width,
        "ffn_dim": 32,
        "num_layers": 1,
        "image_dim": 32,
        "rope_max_seq_len": 32,
    }


def _z_image_controlnet(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "control_layers_places": [0],
        "control_refiner_layers_places": [0],
        # The condition's latents, and for inpainting the mask and the masked picture's; the rest is padded.
        "control_in_dim": 2 * dimensions.latent_channels + 1,
        "dim": 32,
        "n_refiner_layers": 1,
        "n_heads": 2,
        "n_kv_heads": 2,
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
    "ChromaTransformer2DModel": _chroma,
    "FluxControlNetModel": _flux_controlnet,
    "SD3Transformer2DModel": _sd3,
    "SD3ControlNetModel": _sd3_controlnet,
    "QwenImageControlNetModel": _qwen_controlnet,
    "ReduxImageEncoder": _redux,
    "HunyuanDiT2DModel": _hunyuan_dit,
    "HunyuanDiT2DControlNetModel": _hunyuan_controlnet,
    "SanaTransformer2DModel": _sana,
    "SanaControlNetModel": _sana,
    "CogView4Transformer2DModel": _cogview4,
    "DiTTransformer2DModel": _pixart,
    "PixArtTransformer2DModel": _pixart,
    "ChronoEditTransformer3DModel": _chrono_edit,
    "ZImageControlNetModel": _z_image_controlnet,
    "ZImageTransformer2DModel": _z_image,
}
