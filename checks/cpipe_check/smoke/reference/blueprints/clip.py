"""CLIP: text and vision encoders, tokenizers, safety checkers."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions

VOCABULARY = 49408
TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 37,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "projection_dim": TEXT_WIDTH,
    "max_position_embeddings": 77,
    "bos_token_id": 49406,
    "eos_token_id": 49407,
    "pad_token_id": 49407,
}
_VISION = {
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "image_size": 32,
    "patch_size": 8,
    "projection_dim": TEXT_WIDTH,
}


def _text(dimensions: Dimensions) -> dict[str, Any]:
    width = {"hidden_size": dimensions.clip_width, "projection_dim": dimensions.clip_width}
    # HiDream's are trained on longer texts than others.
    return {**TEXT, **width, **({"max_position_embeddings": 248} if dimensions.has("HiDream") else {})}


def vision(dimensions: Dimensions) -> dict[str, Any]:
    """Return the configuration of a vision encoder."""
    sizes = {"image_size": dimensions.vision_size, "patch_size": 14 if dimensions.has("Llava") else 8}
    return {**_VISION, **sizes, "projection_dim": dimensions.clip_width}


def _images(dimensions: Dimensions) -> dict[str, Any]:
    side = dimensions.vision_size
    return {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}


def both(dimensions: Dimensions) -> dict[str, Any]:
    """Return the configuration of a model of text and vision."""
    return {"text_config": TEXT, "vision_config": vision(dimensions), "projection_dim": TEXT_WIDTH}


def byte_letters() -> list[str]:
    """Return the 256 characters that byte-level tokenizers write bytes as."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


def _tokenizer(dimensions: Dimensions) -> Any:
    """A byte-level tokenizer without merges: every text has tokens, and the special ones keep their real ids."""
    from transformers import AddedToken, CLIPTokenizer

    tokens = vocabulary()
    for index, word in enumerate(dimensions.words, tokens.index("<|unused0|>")):
        tokens[index] = word
    tokenizer = CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=77)
    tokenizer.add_tokens([AddedToken(word, single_word=True) for word in dimensions.words])
    return tokenizer


def vocabulary() -> list[str]:
    """Return the tokens of a CLIP tokenizer without merges, as many as the real one has."""
    letters = byte_letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += [f"<|unused{i}|>" for i in range(VOCABULARY - 2 - len(tokens))]
    return [*tokens, "<|startoftext|>", "<|endoftext|>"]


def _safety_checker(dimensions: Dimensions) -> Any:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    return StableDiffusionSafetyChecker(CLIPConfig(**both(dimensions)))


def _segmenter(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "text_config": TEXT,
        "vision_config": {**vision(dimensions), "num_hidden_layers": 3},
        "projection_dim": TEXT_WIDTH,
        "reduce_dim": 16,
        "extract_layers": [0, 1, 2],
        "decoder_num_attention_heads": 4,
        "decoder_intermediate_size": 16,
    }


def _segmentation_processor(dimensions: Dimensions) -> Any:
    from transformers import CLIPSegProcessor, ViTImageProcessor

    return CLIPSegProcessor(ViTImageProcessor(size={"height": 32, "width": 32}), _tokenizer(dimensions))


def _processor(dimensions: Dimensions) -> Any:
    from transformers import CLIPImageProcessor, CLIPProcessor

    return CLIPProcessor(CLIPImageProcessor(**_images(dimensions)), _tokenizer(dimensions))


def _painted_example(dimensions: Dimensions) -> Any:
    """A vision encoder that inherits the configuration class of both encoders."""
    from transformers import CLIPVisionConfig

    return CLIPVisionConfig(**vision(dimensions))


BLUEPRINTS: dict[str, Any] = {
    "CLIPTextModel": _text,
    "CLIPTextModelWithProjection": _text,
    "CLIPModel": both,
    "CLIPVisionModel": vision,
    "CLIPVisionModelWithProjection": vision,
    "CLIPTokenizer": _tokenizer,
    "CLIPProcessor": _processor,
    "CLIPImageProcessor": _images,
    "CLIPFeatureExtractor": _images,
    "StableDiffusionSafetyChecker": _safety_checker,
    "CLIPSegForImageSegmentation": _segmenter,
    "PaintByExampleImageEncoder": _painted_example,
    "CLIPSegProcessor": _segmentation_processor,
}
