"""Würstchen and Stable Cascade: a prior makes a small picture of 16 channels, a decoder the latents from that."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions

EMBEDDING_CHANNELS = 16
_BLOCK = ("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock")


def _cascade(dimensions: Dimensions) -> dict[str, Any]:
    common = {
        "conditioning_dim": 16,
        "block_out_channels": (8, 16),
        "num_attention_heads": (1, 2),
        "down_num_layers_per_block": (1, 1),
        "up_num_layers_per_block": (1, 1),
        "block_types_per_layer": (_BLOCK, _BLOCK),
        "clip_text_pooled_in_channels": TEXT_WIDTH,
    }
    if "prior" in dimensions.role:
        clip = {"clip_text_in_channels": TEXT_WIDTH, "clip_image_in_channels": TEXT_WIDTH, "switch_level": (False,)}
        return {**common, **clip, "in_channels": EMBEDDING_CHANNELS, "out_channels": EMBEDDING_CHANNELS}
    return {**common, "in_channels": 4, "out_channels": 4, "effnet_in_channels": EMBEDDING_CHANNELS}


_PRIOR = {"c_in": EMBEDDING_CHANNELS, "c": 8, "c_cond": TEXT_WIDTH, "c_r": 8, "depth": 1, "nhead": 2}
_DECODER = {
    "c_cond": TEXT_WIDTH,
    "c_hidden": [8, 8, 8, 8],
    "nhead": [-1, 1, 1, 1],
    "blocks": [1, 1, 1, 1],
    "level_config": ["CT", "CTA", "CTA", "CTA"],
    "inject_effnet": [False, True, True, True],
    "effnet_embd": EMBEDDING_CHANNELS,
    "clip_embd": TEXT_WIDTH,
}
BLUEPRINTS: dict[str, Any] = {
    "StableCascadeUNet": _cascade,
    "WuerstchenPrior": _PRIOR,
    "WuerstchenDiffNeXt": _DECODER,
    "PaellaVQModel": {"bottleneck_blocks": 1, "embed_dim": 16, "num_vq_embeddings": 32},
}
