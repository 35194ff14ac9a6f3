"""LTX-2: a video and its sound, denoised together."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions

_AUDIO_LATENTS, _MEL = 2, 8
_CONNECTOR_HEADS = {
    f"{part}_connector_{name}": value
    for part in ("video", "audio")
    for name, value in (
        ("num_attention_heads", 4),
        ("attention_head_dim", 8),
        ("num_layers", 1),
        ("num_learnable_registers", None),
    )
}


def _transformer(dimensions: Dimensions) -> dict[str, Any]:
    # Each token of the sound is all of a moment's latents.
    audio = _AUDIO_LATENTS * _MEL // 4
    return {
        "in_channels": dimensions.latent_channels,
        "out_channels": dimensions.latent_channels,
        "num_attention_heads": 2,
        "attention_head_dim": 8,
        "cross_attention_dim": 16,
        "audio_in_channels": audio,
        "audio_out_channels": audio,
        "audio_num_attention_heads": 2,
        "audio_attention_head_dim": 4,
        "audio_cross_attention_dim": 8,
        # A default of its pipelines skips the 29th block.
        "num_layers": 29,
        "caption_channels": TEXT_WIDTH,
        "rope_type": "split",
        "rope_double_precision": False,
        "use_keyframes_abs_pos_embedding": True,
    }


def _connectors(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "caption_channels": TEXT_WIDTH,
        # All layers' states and the embeddings, side by side.
        "text_proj_in_factor": dimensions.text_layers + 1,
        **_CONNECTOR_HEADS,
        "connector_rope_base_seq_len": 32,
        "rope_double_precision": False,
        "causal_temporal_positioning": False,
        "rope_type": "split",
    }


_VAE = {
    "latent_channels": 4,
    "block_out_channels": (8, 8),
    "down_block_types": ("LTX2VideoDownBlock3D",) * 2,
    "decoder_block_out_channels": (8, 8),
    "layers_per_block": (1, 1, 1),
    "decoder_layers_per_block": (1, 1, 1),
    "spatio_temporal_scaling": (True, True),
    "decoder_spatio_temporal_scaling": (True, True),
    "decoder_inject_noise": (False, False, False),
    "downsample_type": ("spatiotemporal",) * 2,
    "upsample_type": ("spatiotemporal",) * 2,
    "upsample_residual": (False, False),
    "upsample_factor": (1, 1),
    "patch_size": 2,
    "decoder_causal": False,
}
_AUDIO_VAE = {
    "base_channels": 4,
    "ch_mult": (1,),
    "num_res_blocks": 1,
    "resolution": 32,
    "latent_channels": _AUDIO_LATENTS,
    "mel_bins": _MEL,
}
_VOCODER = {
    "in_channels": 2 * _MEL,
    "hidden_channels": 32,
    "upsample_kernel_sizes": [4, 4],
    "upsample_factors": [2, 2],
    "resnet_kernel_sizes": [3],
    "resnet_dilations": [[1, 3, 5]],
    "output_sampling_rate": 16000,
}


def upsampler(dimensions: Dimensions) -> dict[str, Any]:
    """Return the configuration of a model that enlarges latents."""
    return {"in_channels": dimensions.latent_channels, "mid_channels": 32, "num_blocks_per_stage": 1}


BLUEPRINTS: dict[str, Any] = {
    "LTX2VideoTransformer3DModel": _transformer,
    "LTX2TextConnectors": _connectors,
    "AutoencoderKLLTX2Video": _VAE,
    "AutoencoderKLLTX2Audio": _AUDIO_VAE,
    "LTX2Vocoder": _VOCODER,
    "LTX2LatentUpsamplerModel": upsampler,
    "LTXLatentUpsamplerModel": upsampler,
}
