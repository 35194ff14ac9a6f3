"""The arguments of the one call, made from the signature of `__call__`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cpipe_check.smoke import values
from cpipe_check.smoke.attempts import Changes
from cpipe_check.smoke.job import Argument
from cpipe_check.smoke.small import small_numbers
from cpipe_check.smoke.values import PROMPT, Setting

_MASK = re.compile(r"(^|_)masks?($|_)|(^|_)mask(_image|_images|s)?$|^map$|_map$")
_VIDEO = re.compile(r"(^|_)(video|videos|frames|clip)$")
_AUDIO = re.compile(r"(^|_)(audio|speech|waveform|raw_speech)s?$")
_PICTURE = re.compile(
    r"(^|_)(image|images|img|imgs|picture|pictures|photo|cond|condition|sketch|depth|pose|canny|garment|face|ref|reference)$"
    r"|^(image|img)_|^(source|target|init|input|control|content|style|inner|reference)_(image|img)"
)
_PROMPT = re.compile(r"(^|_)(prompt|prompts|text|texts|caption|captions|instruction|question|query|lyrics)(_\d)?$")
_STEPS = re.compile(r"^(num_)?(\w*(inference|inversion|ddim|sampling|diffusion|denoising|optimization)_)?steps$")
_RESOLUTION = re.compile(r"^(processing_|max_|min_|target_)?res(olution)?$")
_FILE = re.compile(r"(video|image|img|mask)_?(path|file)$")
_EMBEDDING = re.compile(r"(^|_)image_embeds?$")
# What Stable Cascade's first stage makes, and its second one takes.
_SMALL_PICTURE = (1, 16, 3, 3)
_MEDIA = re.compile(r"\S+\.(mp4|gif|avi|mov|webm|png|jpe?g|webp|bmp)", re.IGNORECASE)
_MOVING = frozenset({"mp4", "gif", "avi", "mov", "webm"})
_NO_VALUE = re.compile(r"(path|url|dir|file|folder|fn|func|callback|processor|adapter)(_\w+)?$")
# Optional parameters that are given all the same: most calls need the prompt, whatever its default says; the others
# make the call small, quick and repeatable.
_ALWAYS = frozenset({
    "prompt", "num_inference_steps", "steps", "num_steps", "generator", "use_resolution_binning",
    "_auto_resize", "strength", "frame_size", "prior_num_inference_steps", "decoder_num_inference_steps",
    "super_res_num_inference_steps",
})  # fmt: skip
_MANY = 5
_ALWAYS_OURS = frozenset({
    "generator", "use_resolution_binning", "num_images_per_prompt", "num_videos_per_prompt", "num_images", "batch_size",
    "ensemble_size", "strength",
})  # fmt: skip
_SIZES = frozenset({"height", "width"})
_FRAMES = frozenset({"num_frames", "video_length", "num_video_frames", "max_num_frames", "frames"})
# How long a sound shall be, in seconds.
_SECONDS = re.compile(r"^(audio_)?(duration|length_in)(_s|_seconds)?$")
_PLAIN: Mapping[str, Any] = {
    "batch_size": 1, "num_images_per_prompt": 1, "num_images": 1, "num_videos_per_prompt": 1, "strength": 0.8,
    "guidance_scale": 5.0, "cfg_scale": 5.0, "use_resolution_binning": False, "fps": 8, "frame_rate": 8,
    "ensemble_size": 2,
    "num_controlnet": 1, "control_mode": [0], "_auto_resize": False, "eta": 0.0, "noise_level": 10, "frame_size": 32,
}  # fmt: skip


class NoInput(Exception):
    """No value can be made for a required parameter of the call. The message names it."""


def call_arguments(
    arguments: Sequence[Argument], setting: Setting, changes: Changes, examples: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return keyword arguments for one call: every required parameter, and the few that keep the call small.

    `examples` are values by name that the author's own example passes. They go first, but for sizes and steps.
    Defaults that make the call large are replaced by small numbers, but where `changes` ask for the author's.

    Raises:
        NoInput: when a required parameter's name and annotation do not tell what it takes.
    """
    examples = examples or {}
    given: dict[str, Any] = {}
    small = {} if changes.author_sizes else small_numbers(arguments, setting)
    for argument in arguments:
        name = argument.name
        if argument.kind in ("*", "**"):
            continue
        if name in small:
            given[name] = small[name]
        elif keeps_small(name, setting) or name not in examples or name in changes.forms:
            if argument.required or name in changes.give or name in examples or _always(argument, setting):
                given[name] = _value(argument, setting, changes.forms.get(name, ""))
        else:
            given[name] = _on_disk(examples[name], setting)
    return given


def _on_disk(value: Any, setting: Setting) -> Any:
    """A file of ours in the place of one that an example names, which is not here."""
    named = _MEDIA.fullmatch(value) if isinstance(value, str) else None
    return values.file(setting, "video" if named[1].lower() in _MOVING else "image") if named else value


def keeps_small(name: str, setting: Setting) -> bool:
    """Return whether the value of a parameter decides how large the call is, so that no example may set it."""
    if name in _SIZES or name in _FRAMES or _SECONDS.match(name):
        return setting.size_known
    return bool(_STEPS.match(name) or _RESOLUTION.match(name)) or name in _ALWAYS_OURS


def may_help(argument: Argument) -> bool:
    """Return whether an optional parameter is one that a call may need all the same: a picture, a text, a sound."""
    if argument.required or argument.kind not in ("positional", "keyword") or argument.name.startswith("negative"):
        return False
    if "embed" in argument.name or "latents" in argument.name or "ip_adapter" in argument.name:
        return False
    if argument.name in _PLAIN and argument.default == "None":
        return True
    sensible = any(pattern.search(argument.name) for pattern in (_MASK, _VIDEO, _AUDIO, _PICTURE, _PROMPT))
    return sensible and not _is_number(argument) and "attention_mask" not in argument.name


def can_make(argument: Argument, setting: Setting) -> bool:
    """Return whether there is a value to give for a parameter."""
    try:
        _value(argument, setting, "")
    except NoInput:
        return False
    return True


def is_picture(argument: Argument) -> bool:
    """Return whether a parameter takes a picture or a mask."""
    named = bool(_PICTURE.search(argument.name) or _MASK.search(argument.name)) and not _is_number(argument)
    return named or bool(re.search(r"\bImage\b|PipelineImageInput", argument.annotation or ""))


def _is_number(argument: Argument) -> bool:
    annotation = argument.annotation or ""
    return bool(re.search(r"\b(int|float|bool)\b", annotation)) and not re.search(r"Image|Tensor|ndarray", annotation)


def _always(argument: Argument, setting: Setting) -> bool:
    name = argument.name
    sizes = name in _SIZES or name in _FRAMES or name == "max_area" or bool(_SECONDS.match(name))
    if name in _ALWAYS or (setting.size_known and sizes):
        return True
    # Many steps, or a whole ensemble, by default.
    many = (argument.default or "").isdecimal() and int(argument.default or 0) > _MANY
    return many and (bool(_STEPS.match(name)) or name in _PLAIN) and not name.startswith("callback")


def _value(argument: Argument, setting: Setting, form: str) -> Any:
    annotation = argument.annotation or ""
    value = _by_name(argument.name, annotation, setting, form)
    if value is None:
        for pattern, make in _BY_ANNOTATION:
            if re.search(pattern, annotation) and not (pattern == r"\bstr\b" and _NO_VALUE.search(argument.name)):
                value = make(setting)
                break
    if value is None:
        named = f" ({' '.join(annotation.split())})" if annotation else ""
        raise NoInput(
            f"no input for the call's parameter `{argument.name}`{named}; an example or a recipe's [call] can give one"
        )
    return value


def _by_name(name: str, annotation: str, setting: Setting, form: str) -> Any:
    if name in _PLAIN:
        return _PLAIN[name]
    if _STEPS.match(name):
        return setting.steps
    if name == "generator":
        return values.generator(setting)
    if name in _SIZES:
        return setting.image_size
    if _RESOLUTION.match(name):
        return setting.image_size
    if name == "max_area":
        return setting.image_size**2
    if name in _FRAMES:
        return setting.frames
    if _SECONDS.match(name):
        return 0.5
    if found := _FILE.search(name):
        return values.file(setting, "video" if found[1] == "video" else "image")
    if _NO_VALUE.search(name):
        return None
    if _EMBEDDING.search(name):
        return values.tensor(setting, (1, setting.text_width))
    if name == "image_embeddings":
        return values.tensor(setting, _SMALL_PICTURE)
    if _PROMPT.search(name):
        return [PROMPT] if re.match(r"(typing\.)?list\b", annotation, re.IGNORECASE) or form == "list" else PROMPT
    return _by_sense(name, annotation, setting, form)


def _by_sense(name: str, annotation: str, setting: Setting, form: str) -> Any:
    if re.match(r"(int|float|bool|str)$", annotation):
        return None
    if _AUDIO.search(name):
        # A batch of stereo sounds where a tensor is asked for.
        return values.tensor(setting, (1, 2, 64)) if "Tensor" in annotation else values.audio()
    if _VIDEO.search(name):
        if re.search(r"Tensor\b", annotation) and not re.search(r"[Ll]ist|Image|ndarray", annotation):
            channels = 1 if "mask" in name else 3
            return values.tensor(setting, (1, channels, setting.frames, setting.image_size, setting.image_size))
        return values.video(setting)
    if _MASK.search(name):
        return values.picture(setting, form or _first_form(annotation), "L")
    if _PICTURE.search(name):
        return values.picture(setting, form or _first_form(annotation))
    return None


def _first_form(annotation: str) -> str:
    """How an annotation asks for a picture: by itself where it may be, else as a tensor or in a list."""
    if not annotation or re.search(r"Image\b(?!\w*\])|PipelineImageInput", annotation):
        return "list" if re.match(r"(typing\.)?list\b", annotation, re.IGNORECASE) else "pil"
    if re.search(r"Tensor\b", annotation):
        return "tensor"
    return "array" if "ndarray" in annotation else "pil"


_BY_ANNOTATION: tuple[tuple[str, Callable[[Setting], Any]], ...] = (
    (r"^(typing\.)?[Ll]ist\[int\]", lambda _: [1]),
    (r"\bImage\b|PipelineImageInput", values.image),
    (r"\b(Tensor|FloatTensor)\b", lambda s: values.tensor(s, (1, 3, s.image_size, s.image_size))),
    (r"\bndarray\b", lambda s: values.picture(s, "array")),
    (r"\bbool\b", lambda _: False),
    (r"^(Optional\[)?int\b", lambda _: 1),
    (r"^(Optional\[)?float\b", lambda _: 0.5),
    (r"\bint\b", lambda _: 1),
    (r"\bfloat\b", lambda _: 0.5),
    (r"\bstr\b", lambda _: PROMPT),
)
