"""Text encoders other than CLIP's."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import TEXT_WIDTH, Dimensions


def _t5(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "vocab_size": 128,
        "d_model": dimensions.text_width,
        "d_kv": 8,
        "d_ff": 37,
        "num_layers": 2,
        "num_heads": 4,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "is_encoder_decoder": False,
    }


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


_DECODER = {
    "vocab_size": 400,
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 37,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 2048,
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
    "LlamaModel": {**_DECODER, "pad_token_id": 3, "bos_token_id": 1, "eos_token_id": 2},
    "Qwen2Model": _DECODER,
    "Qwen3Model": _DECODER,
    "ChatGLMModel": _chatglm,
}
