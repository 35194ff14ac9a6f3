"""Suggestions of other sizes: of the reference, of pictures, of the number of steps."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from cpipe_check.smoke.attempts.changes import Changes, ask
from cpipe_check.smoke.attempts.failure import Failure, Situation, Suggestion

# Channels of the latents of our references.
_MOST_LATENTS = 64
_CONVOLUTION = re.compile(r"to have (\d+) channels, but got (\d+) channels")
_PRODUCT = re.compile(r"cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)")
# What diffusers' inpainting pipelines say of a denoiser that takes too few channels: a sum, or what makes it up.
_CONFIGURED = re.compile(r"expects\s+(\d+)\s+but received(.*?)(?:Please|$)", re.DOTALL)
_RESHAPE = re.compile(r"shape '\[([\d, ]+)\]' is invalid for input of size (\d+)")
_DIVISIBLE = re.compile(r"(?:divisible by|multiple of) `?(\d+)")
_UNEQUAL = re.compile(
    r"Expected size (\d+) but got size \d+|size of tensor a \(\d+\) must match the size of tensor b \((\d+)\)"
)
_LEAST = re.compile(r"at least (\d+)\s?x\s?\d+")
_VISION = re.compile(r"Input image size \((\d+)\*\d+\) doesn't match model")
# Of a list of layers, whose numbers a pipeline has by heart.
_LAYER = re.compile(r"index (\d+) is out of range")
_MOST_LAYERS = 64
# How wide the distilled models embed the guidance scale.
_GUIDANCE_WIDTH = 256
# A call at the size that pipelines are written for takes long: what most need is more than eight latents.
_LARGER_SIZES, _MORE_STEPS, _FEW = (128, 512), 10, 16
_DENOISER = re.compile(r"(unet|transformer|dit|prior)_?\w*\.py$")


def of_components(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    """A denoiser that is given other channels, or another text width, than it was made for."""
    if found := _CONVOLUTION.search(failure.text):
        if any("pos_embed_input(" in frame[2] for frame in failure.frames):
            return ask(changes, "control", int(found[2]) - int(found[1]))
        in_denoiser = any(_DENOISER.search(frame[0]) for frame in failure.frames)
        return ask(changes, "channels", int(found[2])) if in_denoiser else None
    if found := _CONFIGURED.search(failure.text):
        total = re.findall(r"=\s*(\d+)", found[2]) or [sum(map(int, re.findall(r"\d+", found[2])))]
        return ask(changes, "channels", int(total[-1]))
    if "cond_proj" in failure.last[2] or ("embedding_dim" in failure.last[2] and "NoneType" in failure.text):
        return ask(changes, "guidance", _GUIDANCE_WIDTH)
    if found := _VISION.search(failure.text):
        return ask(changes, "vision_size", int(found[1]))
    if found := _LAYER.search(failure.text):
        return ask(changes, "layers", int(found[1]) + 1) if int(found[1]) < _MOST_LAYERS else None
    if (found := _RESHAPE.search(failure.text)) and "pack" in failure.last[1]:
        wanted = math.prod(map(int, re.findall(r"\d+", found[1])))
        return ask(changes, "parts", int(found[2]) // wanted) if wanted and not int(found[2]) % wanted else None
    if found := _PRODUCT.search(failure.text):
        where = " ".join(f"{file}:{function}:{code}" for file, function, code in failure.frames[-12:])
        given = int(found[2])
        if "controlnet_x_embedder" in where:
            return ask(changes, "control", given - int(found[3]))
        if re.search(r"x_embedder|proj_in|patch_embed\(|visual_embed\w*\(", where):
            return ask(changes, "channels", given)
        if re.search(r"to_k|add_k_proj|encoder_hidden_states", where):
            return ask(changes, "cross", given)
        if "cond_proj" in where:
            return ask(changes, "guidance", given)
        if "add_embedding" in where:
            return ask(changes, "added", given)
        more = given - now.text_width
        if 0 <= more < _FEW:
            # A projection of the file's own, of what a larger encoder gives and perhaps a few numbers beside it.
            return ask(changes, "text_width", int(found[3]) - more)
    return None


def halves(failure: Failure, changes: Changes, _: Situation) -> Suggestion:
    """A denoiser that takes a picture's latents beside its own: the pipeline halves its channels, and gets too few."""
    found = _UNEQUAL.search(failure.text)
    function, file = failure.last[1], failure.last[0]
    number = int(found[1] or found[2]) if found else 0
    if 0 < number <= _MOST_LATENTS and (function == "prepare_latents" or "scheduling_" in file):
        return ask(changes, "channels", 2 * number)
    return None


def of_author(_: Failure, changes: Changes, now: Situation) -> Suggestion:
    """The author's own sizes, where smaller ones were given."""
    return (replace(changes, author_sizes=True), f"{', '.join(now.small)} as by default") if now.small else None


def divisible(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    if (least := _LEAST.search(failure.text)) and now.image_size < int(least[1]) <= 512:
        return ask(changes, "image_size", int(least[1]))
    if found := _DIVISIBLE.search(failure.text):
        factor = int(found[1])
        if 0 < factor <= 1024 and now.image_size % factor:
            return ask(changes, "image_size", -(-now.image_size // factor) * factor)
    return None


def more_steps(failure: Failure, changes: Changes, _: Situation) -> Suggestion:
    """So many that a share of them is more than none."""
    few = failure.kind == "ZeroDivisionError" or re.search(r"zero|out of range|0 elements", failure.text)
    return ask(changes, "steps", _MORE_STEPS) if few else None


def words(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    """A token for each word of the example, as the real vocabulary has, for code that looks for words by token."""
    looked_for = now.has_example and re.search(r"empty|not in list", failure.text)
    asked = ask(changes, "words", 1) if looked_for else None
    return None if asked is None else (asked[0], "a token for each word of the example")


def larger(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    """Pictures of the size that the code may take for granted."""
    of_size = failure.kind in ("RuntimeError", "ValueError", "IndexError", "AssertionError", "ZeroDivisionError")
    if of_size and re.search(r"size|shape|out of range|out of bounds|broadcast|dimension|zero|range", failure.text):
        return _to_larger_size(changes, now)
    return None


def as_written(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    """Pictures of the size that the example is written for, with its boxes and points."""
    elsewhere = failure.kind == "FileNotFoundError"
    return _to_larger_size(changes, now) if now.has_example and not elsewhere else None


def _to_larger_size(changes: Changes, now: Situation) -> Suggestion:
    size = next((size for size in _LARGER_SIZES if size > now.image_size), 0)
    return ask(changes, "image_size", size) if size else None
