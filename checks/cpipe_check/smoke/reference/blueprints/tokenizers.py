"""Tokenizers that are made offline from tiny vocabularies, in which every text has tokens."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cpipe_check.smoke.reference.blueprints.clip import byte_letters
from cpipe_check.smoke.reference.dimensions import Dimensions

_LETTERS = [chr(code) for code in range(33, 127)]
_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _t5(_: Dimensions) -> Any:
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -10.0), ("\u2581", -3.0)]
    return T5Tokenizer(vocab=pieces + [(letter, -5.0) for letter in _LETTERS], extra_ids=0, model_max_length=512)


def _roberta(_: Dimensions) -> Any:
    from transformers import XLMRobertaTokenizer

    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -10.0)]
    pieces = [("\u2581", -3.0), *((letter, -5.0) for letter in _LETTERS), ("<mask>", 0.0)]
    return XLMRobertaTokenizer(vocab=special + pieces, model_max_length=77)


def _bert(_: Dimensions) -> Any:
    from transformers import BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
    return BertTokenizer(vocab={word: i for i, word in enumerate(words)}, model_max_length=77)


def _llama(_: Dimensions) -> Any:
    from transformers import LlamaTokenizer

    tokens = ["<unk>", "<s>", "</s>", "<pad>", "\u2581", *(f"<0x{byte:02X}>" for byte in range(256)), *_LETTERS]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    return LlamaTokenizer(vocab=vocabulary, merges=[], pad_token="<pad>", model_max_length=2048)


def _qwen(_: Dimensions) -> Any:
    from transformers import Qwen2Tokenizer

    vocabulary = {letter: i for i, letter in enumerate(byte_letters())}
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], model_max_length=2048)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = _CHAT
    return tokenizer


def _gpt2(_: Dimensions) -> Any:
    from transformers import GPT2Tokenizer

    letters = [*byte_letters(), "<|endoftext|>"]
    return GPT2Tokenizer(vocab={letter: i for i, letter in enumerate(letters)}, merges=[], model_max_length=77)


def _chatglm(_: Dimensions) -> Any:
    from diffusers.pipelines.kolors import ChatGLMTokenizer
    from sentencepiece import SentencePieceTrainer

    directory = tempfile.TemporaryDirectory()
    text, model = Path(directory.name) / "text.txt", Path(directory.name) / "tokenizer"
    text.write_text("a photo of a cat\nthe dog runs over the hill\n" * 40 + " ".join(_LETTERS) + "\n")
    SentencePieceTrainer.train(
        input=str(text), model_prefix=str(model), vocab_size=130, model_type="bpe", minloglevel=2
    )
    tokenizer = ChatGLMTokenizer(vocab_file=f"{model}.model")
    # Saving copies the file, which has to be there as long as the tokenizer is.
    tokenizer.directory = directory
    return tokenizer


BLUEPRINTS: dict[str, Any] = {
    "T5Tokenizer": _t5,
    "BertTokenizer": _bert,
    "XLMRobertaTokenizer": _roberta,
    "LlamaTokenizer": _llama,
    "Qwen2Tokenizer": _qwen,
    "GPT2Tokenizer": _gpt2,
    "ChatGLMTokenizer": _chatglm,
}
