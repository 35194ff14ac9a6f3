"""Autoencoders between images, videos or audio and their latents."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.blueprints.tokens import CODES
from cpipe_check.smoke.reference.dimensions import Dimensions


def _kl(dimensions: Dimensions) -> dict[str, Any]:
    wide = dimensions.latent_channels != 4
    # The upscalers' images are four times as large as their latents, all others' eight times.
    blocks = 3 if "low_res_scheduler" in dimensions.classes else 4
    # A spectrogram is a picture without colours.
    colours = 1 if dimensions.has("Clap") else 3
    return {
        "in_channels": colours,
        "out_channels": colours,
        "block_out_channels": (8,) * blocks,
        "down_block_types": ("DownEncoderBlock2D",) * blocks,
        "up_block_types": ("UpDecoderBlock2D",) * blocks,
        "norm_num_groups": 4,
        "layers_per_block": 1,
        "latent_channels": dimensions.latent_channels,
        "sample_size": 64,
        **({"use_quant_conv": False, "use_post_quant_conv": False, "shift_factor": 0.1} if wide else {}),
    }


def _vq(dimensions: Dimensions) -> dict[str, Any]:
    """Kandinsky's `movq` normalizes by the code; the others' latents have three channels, like the pixels."""
    spatial = dimensions.role == "movq"
    channels = dimensions.latent_channels if spatial else 3
    return {
        # Spatial norms have 32 groups, whatever the configuration says.
        "block_out_channels": (32 if spatial else 8,) * 4,
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "norm_type": "spatial" if spatial else "group",
        "num_vq_embeddings": CODES,
        "latent_channels": channels,
        "vq_embed_dim": channels,
        "lookup_from_codebook": dimensions.has("UVit2D"),
    }


_COGVIDEOX = {
    "down_block_types": ("CogVideoXDownBlock3D",) * 4,
    "up_block_types": ("CogVideoXUpBlock3D",) * 4,
    "block_out_channels": (8, 8, 8, 8),
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "temporal_compression_ratio": 4,
}
_LTX = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 8,
    "block_out_channels": (8, 8, 8, 8),
    "decoder_block_out_channels": (8, 8, 8, 8),
    "layers_per_block": (1,) * 5,
    "decoder_layers_per_block": (1,) * 5,
    "spatio_temporal_scaling": (True, True, False, False),
    "decoder_spatio_temporal_scaling": (True, True, False, False),
    "decoder_inject_noise": (False,) * 5,
    "upsample_residual": (False,) * 4,
    "upsample_factor": (1,) * 4,
    "timestep_conditioning": False,
    "patch_size": 1,
    "patch_size_t": 1,
    "encoder_causal": True,
    "decoder_causal": False,
}
_MOCHI = {
    "latent_channels": 12,
    "out_channels": 3,
    "encoder_block_out_channels": (32,) * 4,
    "decoder_block_out_channels": (32,) * 4,
    "layers_per_block": (1,) * 5,
}
_HUNYUAN_VIDEO = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "down_block_types": ("HunyuanVideoDownBlock3D",) * 4,
    "up_block_types": ("HunyuanVideoUpBlock3D",) * 4,
    "block_out_channels": (8, 8, 8, 8),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "scaling_factor": 0.476986,
    "spatial_compression_ratio": 8,
    "temporal_compression_ratio": 4,
}
# The statistics of the latents have one number a channel, 16 by default.
_WAN = {
    "base_dim": 3,
    "z_dim": 16,
    "dim_mult": [1, 1, 1, 1],
    "num_res_blocks": 1,
    "temperal_downsample": [False, True, True],
}
# The statistics of its 64 channels are its own defaults.
_QWEN_IMAGE_21 = {"base_dim": 4, "decoder_base_dim": 4, "dim_mult": [1, 1, 1, 1, 1], "num_res_blocks": 1}
_FLUX2 = {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4, "sample_size": 64}
_HUNYUAN_IMAGE = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": (32, 32, 32, 32),
    "layers_per_block": 1,
    "spatial_compression_ratio": 8,
    "sample_size": 64,
    "scaling_factor": 0.75,
}
_HUNYUAN_REFINER = {
    "latent_channels": 4,
    "block_out_channels": (32, 32, 32, 32, 32),
    "layers_per_block": 1,
}
_DC = {
    "latent_channels": 4,
    "attention_head_dim": 8,
    "encoder_block_types": ("ResBlock",) * 3 + ("EfficientViTBlock",),
    "decoder_block_types": ("ResBlock",) * 3 + ("EfficientViTBlock",),
    "encoder_block_out_channels": (8, 8, 8, 8),
    "decoder_block_out_channels": (8, 8, 8, 8),
    "encoder_layers_per_block": (1, 1, 1, 1),
    "decoder_layers_per_block": (1, 1, 1, 1),
    "encoder_qkv_multiscales": ((), (), (), (5,)),
    "decoder_qkv_multiscales": ((), (), (), (5,)),
}
_TINY = {"encoder_block_out_channels": (8, 8, 8, 8), "decoder_block_out_channels": (8, 8, 8, 8)}

BLUEPRINTS: dict[str, Any] = {
    "AutoencoderKL": _kl,
    "VQModel": _vq,
    "AutoencoderKLCogVideoX": _COGVIDEOX,
    "AutoencoderKLLTXVideo": _LTX,
    "AutoencoderKLMochi": _MOCHI,
    "AutoencoderKLHunyuanVideo": _HUNYUAN_VIDEO,
    "AutoencoderKLWan": _WAN,
    "AutoencoderKLQwenImage": _WAN,
    "AutoencoderKLQwenImage21": _QWEN_IMAGE_21,
    "AutoencoderKLFlux2": _FLUX2,
    "AutoencoderKLHunyuanImage": _HUNYUAN_IMAGE,
    "AutoencoderKLHunyuanImageRefiner": _HUNYUAN_REFINER,
    "AutoencoderDC": _DC,
    "AutoencoderTiny": _TINY,
}
