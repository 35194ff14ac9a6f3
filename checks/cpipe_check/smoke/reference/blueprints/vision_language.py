"""Language models that see, and the processors that write their inputs. They share one tokenizer's special tokens."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.blueprints.clip import vision as clip_vision
from cpipe_check.smoke.reference.blueprints.text_encoders import SIGLIP, decoder
from cpipe_check.smoke.reference.blueprints.tokenizers import HEADER_IDS, SPECIAL_IDS, chat_tokenizer
from cpipe_check.smoke.reference.dimensions import Dimensions

_IDS = {
    "image_token_id": SPECIAL_IDS["<|image_pad|>"],
    "video_token_id": SPECIAL_IDS["<|video_pad|>"],
    "vision_start_token_id": SPECIAL_IDS["<|vision_start|>"],
    "vision_end_token_id": SPECIAL_IDS["<|vision_end|>"],
}
# Shares of half a head's width for time, height and width.
_ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}


def _vision(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_heads": 2,
        "out_hidden_size": dimensions.text_width,
    }


def _qwen2_5(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "text_config": _qwen_text(dimensions),
        "vision_config": {**_vision(dimensions), "fullatt_block_indexes": [1]},
        **_IDS,
    }


def _qwen2(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "text_config": _qwen_text(dimensions),
        "vision_config": {"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": dimensions.text_width},
        **_IDS,
    }


def _qwen_text(dimensions: Dimensions) -> dict[str, Any]:
    return {**decoder(dimensions), "rope_parameters": _ROPE}


def _qwen3(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "text_config": _qwen_text(dimensions),
        "vision_config": {**_vision(dimensions), "deepstack_visual_indexes": [0, 1], "num_position_embeddings": 16},
        **_IDS,
    }


def _mistral(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "text_config": {"model_type": "mistral", **decoder(dimensions)},
        "vision_config": {
            "model_type": "pixtral",
            "hidden_size": 32,
            "intermediate_size": 37,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "head_dim": 16,
            "image_size": 28,
            "patch_size": 14,
        },
        "image_token_index": _IDS["image_token_id"],
    }


def _gemma3(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "text_config": decoder(dimensions),
        "vision_config": SIGLIP,
        "mm_tokens_per_image": 16,
        "boi_token_index": 5,
        "eoi_token_index": 6,
        "image_token_index": 7,
    }


def _llava(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "text_config": {"model_type": "llama", **decoder(dimensions)},
        "vision_config": {"model_type": "clip_vision_model", **clip_vision(dimensions)},
        "image_token_index": HEADER_IDS["<image>"],
        "pad_token_id": 3,
    }


def _qwen2_processor(dimensions: Dimensions) -> Any:
    from transformers import Qwen2VLImageProcessor, Qwen2VLProcessor, Qwen2VLVideoProcessor

    return _processor(Qwen2VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor, 14, dimensions)


def _qwen3_processor(dimensions: Dimensions) -> Any:
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    return _processor(Qwen3VLProcessor, Qwen2VLImageProcessor, Qwen3VLVideoProcessor, 16, dimensions)


def _processor(whole: Any, images: Any, videos: Any, patch: int, dimensions: Dimensions) -> Any:
    """A processor that makes every picture 4 tokens."""
    pixels = (4 * patch) ** 2
    tokenizer = chat_tokenizer(dimensions)
    return whole(
        image_processor=images(size={"shortest_edge": pixels, "longest_edge": pixels}, patch_size=patch),
        tokenizer=tokenizer,
        video_processor=videos(patch_size=patch),
        chat_template=tokenizer.chat_template,
    )


BLUEPRINTS: dict[str, Any] = {
    "Qwen2_5_VLForConditionalGeneration": _qwen2_5,
    "Qwen2_5_VLModel": _qwen2_5,
    "Qwen2_5_VLTextModel": _qwen_text,
    "Qwen2VLForConditionalGeneration": _qwen2,
    "Qwen3VLForConditionalGeneration": _qwen3,
    "Qwen3VLModel": _qwen3,
    "Mistral3ForConditionalGeneration": _mistral,
    "Mistral3Model": _mistral,
    "Gemma3ForConditionalGeneration": _gemma3,
    "LlavaForConditionalGeneration": _llava,
    "Qwen2VLProcessor": _qwen2_processor,
    "Qwen2_5_VLProcessor": _qwen2_processor,
    "Qwen3VLProcessor": _qwen3_processor,
}
