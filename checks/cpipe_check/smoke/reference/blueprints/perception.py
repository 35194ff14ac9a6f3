"""Models that look at pictures beside CLIP: depth estimators."""

from __future__ import annotations

from typing import Any

_DPT = {
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 16,
    "is_hybrid": False,
    "backbone_out_indices": [0, 1, 2, 3],
    "neck_hidden_sizes": [8, 8, 8, 8],
    "fusion_hidden_size": 8,
}

BLUEPRINTS: dict[str, Any] = {"DPTForDepthEstimation": _DPT}
