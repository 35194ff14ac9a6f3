"""What to try next when a call does not take the inputs made for it, read out of its error."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cpipe_check.smoke.values import FORMS

MAX_ATTEMPTS = 10
_LARGEST = 1 << 14
# Channels of the latents of our references.
_MOST_LATENTS = 64
_ASKED = (
    "channels",
    "cross",
    "added",
    "image_size",
    "frames",
    "layers",
    "vision_size",
    "guidance",
    "text_width",
    "steps",
    "words",
    "parts",
    "control",
)
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
_REAL_SIZE, _MORE_STEPS, _FEW = 512, 10, 16
_FROM_PRETRAINED = re.compile(r"self\.(\w+) = (\w+)\.from_pretrained")
# What huggingface_hub raises for want of a network.
DOWNLOADS = ("OfflineModeIsEnabled", "LocalEntryNotFoundError")
_DENOISER = re.compile(r"(unet|transformer|dit|prior)_?\w*\.py$")


@dataclass(frozen=True, slots=True)
class Changes:
    """What attempts found out.

    Sizes asked for, optional components with their classes ("" for what the text tells), arguments to give, methods to
    call before, the forms to give pictures in, whether to pass over the author's example, and whether to shorten its
    lists to one item.
    """

    asked: Mapping[str, int] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    give: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    forms: Mapping[str, str] = field(default_factory=dict)
    no_example: bool = False
    shortened: bool = False

    def to_object(self) -> dict[str, Any]:
        """Return the changes as a JSON object."""
        return asdict(self)


def changes_from(value: object) -> Changes:
    """Return the changes that `to_object` wrote, having checked them: a file's own process may have sent them.

    Raises:
        ValueError: for anything else.
    """
    if value == {}:
        return Changes()
    match value:
        case {
            "asked": dict(asked),
            "also": dict(also),
            "give": list(give),
            "before": list(before),
            "forms": dict(forms),
            "no_example": bool(no_example),
            "shortened": bool(shortened),
        }:
            names = [*also, *(name for name in also.values() if name), *give, *before, *forms]
            sizes = [isinstance(n, int) and 0 < n <= _LARGEST for n in asked.values()]
            if len(names) <= 200 and all(isinstance(n, str) and n.isidentifier() and len(n) < 100 for n in names):  # noqa: SIM102
                if all(sizes) and set(asked) <= set(_ASKED) and set(forms.values()) <= set(FORMS):
                    return Changes(asked, also, tuple(give), tuple(before), forms, no_example, shortened)
    raise ValueError("no changes of ours")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt: the error's type and text, and its frames, outermost first: file name, function, source."""

    kind: str
    text: str
    frames: tuple[tuple[str, str, str], ...]

    @property
    def last(self) -> tuple[str, str, str]:
        """The innermost frame."""
        return self.frames[-1] if self.frames else ("", "", "")


@dataclass(frozen=True, slots=True)
class Situation:
    """What an attempt can be changed in.

    The call's optional parameters that a value may help, all of them that a value can be made for, and those that take
    pictures; the optional components, the names that were given, the size of pictures, the width of text encoders, and
    for attributes that methods other than `__init__` set, the method.
    """

    helpful: tuple[str, ...]
    optional: tuple[str, ...]
    pictures: tuple[str, ...]
    components: tuple[str, ...]
    given: tuple[str, ...]
    has_example: bool
    image_size: int
    text_width: int
    setters: Mapping[str, str]


def following(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """Return what to try after a failure and a few words on it, None when nothing comes to mind."""
    for suggest in (_component,) if failure.kind in DOWNLOADS else _SUGGESTIONS:
        found = suggest(failure, changes, now)
        if found is not None and found[0] != changes:
            return found
    return None


def _ask(changes: Changes, name: str, number: int) -> tuple[Changes, str] | None:
    if changes.asked.get(name) == number or not 0 < number <= _LARGEST:
        return None
    return replace(changes, asked={**changes.asked, name: number}), f"{name.replace('_', ' ')} {number}"


def _sizes(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A denoiser that is given other channels, or another text width, than it was made for."""
    if found := _CONVOLUTION.search(failure.text):
        if any("pos_embed_input(" in frame[2] for frame in failure.frames):
            return _ask(changes, "control", int(found[2]) - int(found[1]))
        in_denoiser = any(_DENOISER.search(frame[0]) for frame in failure.frames)
        return _ask(changes, "channels", int(found[2])) if in_denoiser else None
    if found := _CONFIGURED.search(failure.text):
        total = re.findall(r"=\s*(\d+)", found[2]) or [sum(map(int, re.findall(r"\d+", found[2])))]
        return _ask(changes, "channels", int(total[-1]))
    if "cond_proj" in failure.last[2] or ("embedding_dim" in failure.last[2] and "NoneType" in failure.text):
        return _ask(changes, "guidance", _GUIDANCE_WIDTH)
    if found := _VISION.search(failure.text):
        return _ask(changes, "vision_size", int(found[1]))
    if found := _LAYER.search(failure.text):
        return _ask(changes, "layers", int(found[1]) + 1) if int(found[1]) < _MOST_LAYERS else None
    if (found := _RESHAPE.search(failure.text)) and "pack" in failure.last[1]:
        wanted = math.prod(int(side) for side in found[1].split(","))
        parts, rest = divmod(int(found[2]), wanted)
        return _ask(changes, "parts", parts) if not rest else None
    if found := _PRODUCT.search(failure.text):
        where = " ".join(f"{file}:{function}:{code}" for file, function, code in failure.frames[-12:])
        given = int(found[2])
        if "controlnet_x_embedder" in where:
            return _ask(changes, "control", given - int(found[3]))
        if re.search(r"x_embedder|proj_in|patch_embed\(|visual_embed\w*\(", where):
            return _ask(changes, "channels", given)
        if re.search(r"to_k|add_k_proj|encoder_hidden_states", where):
            return _ask(changes, "cross", given)
        if "cond_proj" in where:
            return _ask(changes, "guidance", given)
        if "add_embedding" in where:
            return _ask(changes, "added", given)
        more = given - now.text_width
        if 0 <= more < _FEW:
            # A projection of the file's own, of what a larger encoder gives and perhaps a few numbers beside it.
            return _ask(changes, "text_width", int(found[3]) - more)
    return None


def _halves(failure: Failure, changes: Changes, _: Situation) -> tuple[Changes, str] | None:
    """A denoiser that takes a picture's latents beside its own: the pipeline halves its channels, and gets too few."""
    found = _UNEQUAL.search(failure.text)
    function, file = failure.last[1], failure.last[0]
    number = int(found[1] or found[2]) if found else 0
    if 0 < number <= _MOST_LATENTS and (function == "prepare_latents" or "scheduling_" in file):
        return _ask(changes, "channels", 2 * number)
    return None


def _component(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """An optional component that was None, or that the file would download."""
    if failure.kind in DOWNLOADS:
        loaded = [found for _, _, code in failure.frames for found in _FROM_PRETRAINED.findall(code)]
        names = {n: cls for n, cls in loaded if n in now.components and n not in changes.also}
        return (replace(changes, also={**changes.also, **names}), f"component {', '.join(names)}") if names else None
    if "NoneType" not in failure.text:
        return None
    for _, _, code in reversed(failure.frames):
        for name in re.findall(r"self\.(\w+)", code):
            if name in now.components and name not in changes.also:
                return replace(changes, also={**changes.also, name: ""}), f"component {name}"
    return None


def _missing(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A picture that was left out, the one that the error quotes or else all; or a text."""
    # What a picture that is None is called by an image processor.
    wrong = any(name in now.given for name in now.pictures) and "is in incorrect format" in failure.text
    if not wrong and not re.search(r"None\b|NoneType|undefined", failure.text):
        return None
    quoted = set(re.findall(r"`(\w+)`", failure.text)) & set(now.pictures)
    some = replace(now, pictures=tuple(name for name in now.pictures if name in quoted)) if quoted else now
    return _all_pictures(failure, changes, some) or _give(now.helpful, changes, now)


def _named(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """An optional argument that the error, the source line that raised it, or the one that called that, speaks of."""
    quoted = {name for name in re.findall(r"[`'\"](\w+)[`'\"]", failure.text) if name in now.optional}
    # One that was None in the line itself.
    none = {n for n in now.optional if "NoneType" in failure.text and re.search(rf"\b{n} [-+*/]", failure.last[2])}
    given = {*now.given, *changes.give}
    for said in (f"{failure.text} {failure.last[2]}", *(frame[2] for frame in failure.frames[-2:-1])):
        spoken = set(re.findall(r"\w+", said))
        # Where it speaks of several, those that are pictures, texts or sounds first: they may stand for the others.
        for known in (now.helpful, (*quoted, *none)):
            names = tuple(n for n in dict.fromkeys(known) if n in spoken and n not in given)
            if names:
                return replace(changes, give=(*changes.give, *names)), f"with {', '.join(names)}"
    return None


def _negative(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A negative prompt that is not as optional as its default says."""
    name = "negative_prompt"
    if "NoneType" not in failure.text or name not in now.optional or name in (*now.given, *changes.give):
        return None
    if not any("encode_prompt" in frame[1] for frame in failure.frames):
        return None
    return replace(changes, give=(*changes.give, name)), f"with {name}"


def _divisible(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    if (least := _LEAST.search(failure.text)) and now.image_size < int(least[1]) <= 512:
        return _ask(changes, "image_size", int(least[1]))
    if found := _DIVISIBLE.search(failure.text):
        factor = int(found[1])
        if 0 < factor <= 1024 and now.image_size % factor:
            return _ask(changes, "image_size", -(-now.image_size // factor) * factor)
    return None


def _forms(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A picture in another form: the one that the error speaks of first, then each in turn."""
    given = [name for name in now.pictures if name in now.given]
    if not given or failure.kind not in ("TypeError", "ValueError", "AttributeError"):
        return None
    spoken = set(re.findall(r"\w+", failure.text)) | set(re.findall(r"\w+", failure.last[2]))
    # Only an error about what a thing is, not one about its size.
    if not re.search(r"type|PIL|Image|Tensor|tensor|ndarray|numpy|list|attribute|subscript|indices", failure.text):
        return None
    names = [name for name in given if name in spoken] or given
    order = [form for form in ("tensor", "list", "array") if _wants(form, failure.text)] + ["tensor", "list", "array"]
    for form in order:
        tried = {changes.forms.get(name, "pil") for name in names}
        if form not in tried and all(_untried(changes, name, form) for name in names):
            shown = f"{', '.join(names)} as {form}"
            return replace(changes, forms={**changes.forms, **dict.fromkeys(names, form)}), shown
    return None


def _untried(changes: Changes, name: str, form: str) -> bool:
    """Forms are tried in one direction only, so that the attempts end."""
    order = ("pil", "tensor", "list", "array")
    return order.index(form) > order.index(changes.forms.get(name, "pil"))


def _wants(form: str, text: str) -> bool:
    word = {"tensor": r"[Tt]ensor|shape", "list": r"\blist\b|len\(\)", "array": r"ndarray|numpy"}[form]
    return bool(re.search(word, text))


def _all_pictures(_: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    return _give([name for name in now.pictures if name in now.helpful], changes, now)


def _give(names: Sequence[str], changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    more = tuple(name for name in names if name not in now.given and name not in changes.give)
    return (replace(changes, give=(*changes.give, *more)), f"with {', '.join(more)}") if more else None


def _shortened(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """Lists of an example that do not go together: what fills them may be read from its text only in part."""
    if not now.has_example or changes.shortened or not re.search(r"must match|same (length|number)", failure.text):
        return None
    return replace(changes, shortened=True), "with lists of one item"


def _without_example(_: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    if not now.has_example or changes.no_example:
        return None
    return replace(changes, no_example=True, forms={}, give=()), "without the example's values"


def _more_steps(failure: Failure, changes: Changes, _: Situation) -> tuple[Changes, str] | None:
    """So many that a share of them is more than none."""
    few = failure.kind == "ZeroDivisionError" or re.search(r"zero|out of range|0 elements", failure.text)
    return _ask(changes, "steps", _MORE_STEPS) if few else None


def _words(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A token for each word of the example, as the real vocabulary has, for code that looks for words by token."""
    looked_for = now.has_example and re.search(r"empty|not in list", failure.text)
    return _ask(changes, "words", 1) if looked_for else None


def _larger(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """Pictures of the size that the code may take for granted."""
    of_size = failure.kind in ("RuntimeError", "ValueError", "IndexError", "AssertionError", "ZeroDivisionError")
    if of_size and re.search(r"size|shape|out of range|out of bounds|broadcast|dimension|zero|range", failure.text):
        return _to_real_size(failure, changes, now)
    return None


def _as_written(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """Pictures of the size that the example is written for, with its boxes and points."""
    return _to_real_size(failure, changes, now) if now.has_example else None


def _to_real_size(_: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    return _ask(changes, "image_size", _REAL_SIZE) if now.image_size < _REAL_SIZE else None


def _before(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A method that sets what the call has not."""
    found = re.search(r"has no attribute '(\w+)'", failure.text)
    method = now.setters.get(found[1], "") if found else ""
    if not method or method in changes.before:
        return None
    return replace(changes, before=(*changes.before, method)), f"{method} first"


# The first that has something to say is followed.
_SUGGESTIONS = (
    _before, _sizes, _halves, _component, _negative, _missing, _named, _divisible, _shortened, _more_steps, _larger,
    _words, _forms, _all_pictures, _as_written, _without_example,
)  # fmt: skip
