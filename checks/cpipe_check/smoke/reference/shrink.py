"""The tiny configuration of a class that has no blueprint: its own one, with every size shrunk.

Works by the names that diffusers and transformers give to sizes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions

_HEADS, _HEAD_WIDTH = 2, 16
_WIDTH = _HEADS * _HEAD_WIDTH
# The groups of a group norm, which are often in the code, divide it.
_BLOCK = 32
_MAX_VOCABULARY = 512
Shrink = Callable[[Any, Dimensions], Any]


def _at_most(limit: int) -> Shrink:
    """Shrink a number, or each of several, to at most `limit`."""

    def shrink(value: Any, dimensions: Dimensions) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(shrink(item, dimensions) for item in value)
        return min(value, limit) if isinstance(value, int) and not isinstance(value, bool) else value

    return shrink


def _exactly(number: int) -> Shrink:
    def shrink(value: Any, _: Dimensions) -> Any:
        return type(value)(number for _ in value) if isinstance(value, (list, tuple)) else number

    return shrink


def _each(number: int) -> Shrink:
    """Shrink each of several numbers; leave a single one."""
    return lambda value, _: type(value)(number for _ in value) if isinstance(value, (list, tuple)) else value


def _rope(value: Any, _: Dimensions) -> Any:
    """Shares of a head's width, one an axis: even, and with the same sum as the width."""
    if not isinstance(value, (list, tuple)):
        return value
    share = _HEAD_WIDTH // len(value) // 2 * 2
    return type(value)((_HEAD_WIDTH - share * (len(value) - 1), *(share for _ in value[1:])))


_RULES: tuple[tuple[re.Pattern[str], Shrink], ...] = tuple(
    (re.compile(pattern), shrink)
    for pattern, shrink in (
        (r"^(rope_axes_dim|axes_dims?(_rope)?|axes_dim)$", _rope),
        (r"^(vocab_size|vocabulary_size|num_vectors.*|codebook_size)$", _at_most(_MAX_VOCABULARY)),
        (
            r"(^|_)(layers|blocks|depth|depths|stages|n_layer)($|_per_)|^num_\w*(layers|blocks)$|^depth|_depth$|^n_\w*layers$",
            _at_most(1),
        ),
        (r"head_dim$|^(d_kv|kv_channels|qk_\w+_dim|v_head_dim)$", _exactly(_HEAD_WIDTH)),
        (r"(^|_)((kv|key_value|(encoder_|decoder_)?attention)_)*heads?$|^num_\w*heads$", _exactly(_HEADS)),
        (r"norm_num_groups$|^num_groups$", _at_most(4)),
        (
            r"^(cross_attention_dim|joint_attention_dim|text_embed(ding)?_dim|text_dim|caption_(channels|dim|feat_dim)|"
            r"cap_feat_dim|encoder_hid_dim|text_hidden_dim|context_(in_)?dim|text_states_dim|text_in_dim|llm_dim)$",
            lambda _, d: d.text_width,
        ),
        (r"(^|_)(block_out_channels|channels)$", _each(_BLOCK)),
        (r"^pooled_projection_dim$", lambda _, d: d.pooled_width),
        (
            r"^(hidden_size|d_model|n_embd|embed_dim|dim|inner_dim|model_dim|hidden_dim|(caption_)?projection_dim|width)$",
            _exactly(_WIDTH),
        ),
        (r"(intermediate|ffn|ff|mlp)_?(size|dim|hidden_size)$|^(d_ff|time_embed_dim)$", _at_most(2 * _WIDTH)),
        (r"^(sample_size|sample_height|sample_width)$", _at_most(8)),
        (r"^image_size$", _at_most(32)),
    )
)  # fmt: skip


def of_signature(cls: type, dimensions: Dimensions) -> dict[str, Any]:
    """Return keyword arguments that make a tiny model of a class of diffusers, from its own defaults."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    given = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    shrunk = _shrunk(given, dimensions)
    if "block_out_channels" in shrunk and "attention_head_dim" in shrunk:
        # In UNets it is the number of heads for some, and each block's channels are divided by it.
        shrunk["attention_head_dim"] = _exactly(4)(shrunk["attention_head_dim"], dimensions)
    return shrunk


def of_configuration(configuration: Any, dimensions: Dimensions) -> Any:
    """Return a configuration object of transformers with every size in it, and in those within it, shrunk."""
    inner = set(getattr(type(configuration), "sub_configs", ()))
    plain = {name: value for name, value in configuration.to_dict().items() if name not in inner}
    shrunk = _shrunk(plain, dimensions)
    for name, value in (shrunk | _following(plain, shrunk)).items():
        if value != plain[name]:
            setattr(configuration, name, value)
    for name in inner:
        part = getattr(configuration, name, None)
        if part is not None and hasattr(part, "to_dict"):
            of_configuration(part, dimensions)
    return configuration


def _following(plain: Mapping[str, Any], shrunk: Mapping[str, Any]) -> dict[str, Any]:
    """What depends on a size that shrank: lists of something for every layer, and the ids of tokens."""
    layers, kept = plain.get("num_hidden_layers"), shrunk.get("num_hidden_layers")
    vocabulary = shrunk.get("vocab_size")
    changed: dict[str, Any] = {}
    for name, value in plain.items():
        if isinstance(value, list) and layers and len(value) == layers:
            changed[name] = value[:kept]
        elif isinstance(value, int) and name.endswith("token_id") and vocabulary and value >= vocabulary:
            changed[name] = vocabulary - 1
    return changed


def _shrunk(values: Mapping[str, Any], dimensions: Dimensions) -> dict[str, Any]:
    return {name: _one(name, value, dimensions) for name, value in values.items()}


def _one(name: str, value: Any, dimensions: Dimensions) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    for pattern, shrink in _RULES:
        if pattern.search(name):
            return shrink(value, dimensions)
    return value
