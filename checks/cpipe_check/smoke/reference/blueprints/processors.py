"""Image processors other than CLIP's."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.blueprints.clip import byte_letters
from cpipe_check.smoke.reference.blueprints.tokenizers import bert_tokenizer
from cpipe_check.smoke.reference.dimensions import Dimensions

_SQUARE = {"size": {"height": 32, "width": 32}}


def _text_classifier(dimensions: Dimensions) -> Any:
    """A pipeline of transformers that takes every text for English."""
    from transformers import BertConfig, BertForSequenceClassification, TextClassificationPipeline

    tokenizer = bert_tokenizer(dimensions)
    tiny = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 37}
    configuration = BertConfig(vocab_size=len(tokenizer), id2label={0: "en"}, **tiny)
    return TextClassificationPipeline(model=BertForSequenceClassification(configuration), tokenizer=tokenizer)


def _whisper(_: Dimensions) -> Any:
    from transformers import WhisperFeatureExtractor, WhisperProcessor, WhisperTokenizer

    letters = byte_letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = WhisperTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[])
    tokenizer.english_spelling_normalizer = {"colour": "color"}
    return WhisperProcessor(WhisperFeatureExtractor(), tokenizer)


BLUEPRINTS: dict[str, Any] = {
    "BlipImageProcessor": _SQUARE,
    "DPTImageProcessor": _SQUARE,
    "SiglipImageProcessor": _SQUARE,
    "ViTImageProcessor": _SQUARE,
    "WhisperProcessor": _whisper,
    "TextClassificationPipeline": _text_classifier,
}
