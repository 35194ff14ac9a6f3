"""Tokenizers that are made offline from tiny vocabularies, in which every text has tokens."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cpipe_check.smoke.reference.blueprints.clip import byte_letters
from cpipe_check.smoke.reference.dimensions import Dimensions

_LETTERS = [chr(code) for code in range(33, 127)]
_SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
# They come after the bytes.
SPECIAL_IDS = {token: 256 + i for i, token in enumerate(_SPECIAL)}
_HEADERS = ("<image>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
# They come after the padding.
HEADER_IDS = {token: 4 + i for i, token in enumerate(_HEADERS)}
# Messages of text, or of parts that are texts or pictures.
_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for part in m['content'] %}{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
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


def bert_tokenizer(_: Dimensions) -> Any:
    """Return a tokenizer whose words are letters."""
    from transformers import BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
    return BertTokenizer(vocab={word: i for i, word in enumerate(words)}, model_max_length=77)


def _pieces() -> tuple[str, ...]:
    """Pieces and bytes, after the special tokens."""
    return ("\u2581", *(f"<0x{byte:02X}>" for byte in range(256)), *_LETTERS)


def _llama(_: Dimensions) -> Any:
    from transformers import LlamaTokenizer

    tokens = ["<unk>", "<s>", "</s>", "<pad>", *_HEADERS, *_pieces()]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = LlamaTokenizer(vocab=vocabulary, merges=[], pad_token="<pad>", model_max_length=2048)
    tokenizer.add_special_tokens({"additional_special_tokens": list(_HEADERS)})
    return tokenizer


def chat_tokenizer(_: Dimensions) -> Any:
    """Return a byte-level tokenizer with the tokens and the template of a chat."""
    from transformers import Qwen2Tokenizer

    vocabulary = {letter: i for i, letter in enumerate(byte_letters())} | SPECIAL_IDS
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], model_max_length=4096)
    tokenizer.add_special_tokens({"additional_special_tokens": list(_SPECIAL[1:])})
    tokenizer.chat_template = _CHAT
    return tokenizer


def _gemma(_: Dimensions) -> Any:
    from transformers import GemmaTokenizer

    vocabulary = {token: i for i, token in enumerate(("<pad>", "<eos>", "<bos>", "<unk>", *_pieces()))}
    return GemmaTokenizer(vocab=vocabulary, merges=[], add_bos_token=True, model_max_length=2048)


def _gpt2(_: Dimensions) -> Any:
    from transformers import GPT2Tokenizer

    letters = [*byte_letters(), "<|endoftext|>"]
    return GPT2Tokenizer(vocab={letter: i for i, letter in enumerate(letters)}, merges=[], model_max_length=77)


def _chatglm(_: Dimensions) -> Any:
    from diffusers.pipelines.kolors import ChatGLMTokenizer
    from sentencepiece import SentencePieceTrainer

    # The tokenizer copies its file from there when it is saved.
    directory = Path(tempfile.mkdtemp())
    text, model = directory / "text.txt", directory / "tokenizer"
    text.write_text("a photo of a cat\nthe dog runs over the hill\n" * 40 + " ".join(_LETTERS) + "\n")
    SentencePieceTrainer.train(
        input=str(text), model_prefix=str(model), vocab_size=130, model_type="bpe", minloglevel=2
    )
    return ChatGLMTokenizer(vocab_file=f"{model}.model")


BLUEPRINTS: dict[str, Any] = {
    "T5Tokenizer": _t5,
    "BertTokenizer": bert_tokenizer,
    "XLMRobertaTokenizer": _roberta,
    "LlamaTokenizer": _llama,
    "GemmaTokenizer": _gemma,
    "Qwen2Tokenizer": chat_tokenizer,
    "GPT2Tokenizer": _gpt2,
    "ChatGLMTokenizer": _chatglm,
}
