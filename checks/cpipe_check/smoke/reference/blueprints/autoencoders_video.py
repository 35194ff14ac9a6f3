"""More autoencoders of videos; those of the first families are among `autoencoders`."""

from __future__ import annotations

from typing import Any

_TEMPORAL_DECODER = {
    # Its norms have 32 groups.
    "block_out_channels": (32,) * 4,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "latent_channels": 4,
}
_MAGVIT = {
    "block_out_channels": (8,) * 4,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "spatial_group_norm": False,
}
_HUNYUAN_VIDEO_15 = {
    "latent_channels": 4,
    "block_out_channels": (16, 16),
    "layers_per_block": 1,
    "spatial_compression_ratio": 4,
    "temporal_compression_ratio": 2,
    "downsample_match_channel": False,
    "upsample_match_channel": False,
}
_COSMOS = {
    "latent_channels": 4,
    "encoder_block_out_channels": (8,) * 4,
    "decode_block_out_channels": (8,) * 4,
    "attention_resolutions": (8,),
    "resolution": 64,
    "num_layers": 1,
    "spatial_compression_ratio": 4,
    "temporal_compression_ratio": 4,
}
_ALLEGRO = {
    "block_out_channels": (8,) * 4,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "temporal_compression_ratio": 4,
}

BLUEPRINTS: dict[str, Any] = {
    "AutoencoderKLTemporalDecoder": _TEMPORAL_DECODER,
    "AutoencoderKLMagvit": _MAGVIT,
    "AutoencoderKLHunyuanVideo15": _HUNYUAN_VIDEO_15,
    "AutoencoderKLCosmos": _COSMOS,
    "AutoencoderKLAllegro": _ALLEGRO,
}
