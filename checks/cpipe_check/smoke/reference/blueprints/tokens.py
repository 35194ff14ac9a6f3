"""Models of pictures that are made of tokens, not ."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions

# As many as a VQModel of ours has codes; one more token is the mask.
CODES = 16
_AMUSED = {
    "hidden_size": 32,
    "cond_embed_dim": TEXT_WIDTH,
    # Five sizes and scores, each so wide.
    "micro_cond_encode_dim": 2,
    "micro_cond_embed_dim": 10,
    "encoder_hidden_size": TEXT_WIDTH,
    "vocab_size": 2 * CODES,
    "codebook_size": CODES,
    "in_channels": 32,
    "block_out_channels": 32,
    "num_res_blocks": 1,
    "downsample": True,
    "upsample": True,
    "block_num_heads": 1,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "intermediate_size": 32,
    "sample_size": 8,
}


def _tokens(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "num_attention_heads": 2,
        "attention_head_dim": 8,
        "cross_attention_dim": dimensions.cross_width,
        "attention_bias": True,
        "num_vector_embeds": CODES + 1,
        "num_embeds_ada_norm": 100,
        "norm_num_groups": 4,
        "sample_size": 8,
        "activation_fn": "geglu-approximate",
    }


BLUEPRINTS: dict[str, Any] = {
    "UVit2DModel": _AMUSED,
    "AmusedScheduler": {"mask_token_id": 2 * CODES - 1},
    "Transformer2DModel": _tokens,
    "VQDiffusionScheduler": {"num_vec_classes": CODES + 1},
    "LearnedClassifierFreeSamplingEmbeddings": {"learnable": False},
}
