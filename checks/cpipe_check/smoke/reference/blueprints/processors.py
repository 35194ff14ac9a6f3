"""Image processors other than CLIP's."""

from __future__ import annotations

from typing import Any

_SQUARE = {"size": {"height": 32, "width": 32}}

BLUEPRINTS: dict[str, Any] = {
    "SiglipImageProcessor": _SQUARE,
    "ViTImageProcessor": _SQUARE,
}
