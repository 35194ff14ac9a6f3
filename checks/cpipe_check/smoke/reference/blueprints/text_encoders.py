"""Text encoders other than CLIP's."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions


def _t5(dimensions: Dimensions) -> dict[str, Any]:
    return {
        # As many as a byte-level tokenizer has.
        "vocab_size": 384,
        "d_model": dimensions.t5_width,
        "d_kv": 8,
        "d_ff": 37,
        "num_layers": 2,
        "num_heads": 4,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "is_encoder_decoder": False,
    }


def _smol(dimensions: Dimensions) -> dict[str, Any]:
    # Pipelines have ids of its special tokens in their text.
    return {**decoder(dimensions), "vocab_size": 128256}


def _chatglm(dimensions: Dimensions) -> Any:
    from diffusers.pipelines.kolors import ChatGLMModel
    from diffusers.pipelines.kolors.text_encoder import ChatGLMConfig

    configuration = ChatGLMConfig(
        num_layers=2,
        padded_vocab_size=256,
        hidden_size=dimensions.text_width,
        ffn_hidden_size=37,
        kv_channels=8,
        num_attention_heads=4,
        seq_length=512,
        multi_query_attention=True,
        multi_query_group_num=2,
        add_qkv_bias=True,
        num_hidden_layers=2,
        original_rope=True,
        use_cache=True,
    )
    return ChatGLMModel(configuration).float()


def _t5_gemma_2(dimensions: Dimensions) -> Any:
    from transformers import SiglipVisionConfig, T5Gemma2Encoder, T5Gemma2EncoderConfig, T5Gemma2TextConfig

    # The encoder reads the rate, and its configuration has none.
    text = T5Gemma2TextConfig(**{**decoder(dimensions), "num_hidden_layers": 1}, dropout_rate=0.0)
    vision = SiglipVisionConfig(**SIGLIP)
    return T5Gemma2Encoder(T5Gemma2EncoderConfig(text_config=text, vision_config=vision))


def decoder(dimensions: Dimensions) -> dict[str, Any]:
    """Return the configuration of a language model whose states are the text's."""
    return {
        "vocab_size": 400,
        "hidden_size": dimensions.text_width,
        "intermediate_size": 37,
        "num_hidden_layers": dimensions.text_layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 4096,
        "pad_token_id": 3,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


_DECODERS = ("Llama", "Qwen2", "Qwen3", "Glm", "Gemma", "Gemma2", "Mistral", "Ministral3")
SIGLIP = {
    "hidden_size": TEXT_WIDTH,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 37,
    "image_size": 32,
    "patch_size": 8,
}

_WHISPER = {
    "vocab_size": 514,
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "pad_token_id": 513,
    "bos_token_id": 512,
    "eos_token_id": 513,
    "decoder_start_token_id": 512,
    "begin_suppress_tokens": None,
    "suppress_tokens": None,
}

_BERT = {
    "vocab_size": 256,
    "hidden_size": TEXT_WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 37,
}

BLUEPRINTS: dict[str, Any] = {
    "T5EncoderModel": _t5,
    "UMT5EncoderModel": _t5,
    "BertModel": _BERT,
    "MultilingualCLIP": {**_BERT, "transformerDimSize": TEXT_WIDTH, "imageDimSize": TEXT_WIDTH},
    "RobertaSeriesModelWithTransformation": {**_BERT, "project_dim": TEXT_WIDTH},
    **{f"{name}{kind}": decoder for name in _DECODERS for kind in ("Model", "ForCausalLM")},
    "SiglipVisionModel": SIGLIP,
    "T5Gemma2Encoder": _t5_gemma_2,
    "SmolLM3ForCausalLM": _smol,
    "ChatGLMModel": _chatglm,
    "WhisperForConditionalGeneration": _WHISPER,
}
