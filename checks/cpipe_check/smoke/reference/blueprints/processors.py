"""Image processors and feature extractors."""

from __future__ import annotations

from typing import Any

_CLIP = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
_SQUARE = {"size": {"height": 32, "width": 32}}

BLUEPRINTS: dict[str, Any] = {
    "CLIPImageProcessor": _CLIP,
    "CLIPFeatureExtractor": _CLIP,
    "BlipImageProcessor": _SQUARE,
    "DPTImageProcessor": _SQUARE,
    "SiglipImageProcessor": _SQUARE,
    "ViTImageProcessor": _SQUARE,
}
