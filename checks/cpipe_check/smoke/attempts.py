"""What to try next when a call does not take the inputs made for it, read out of its error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cpipe_check.smoke.values import FORMS

MAX_ATTEMPTS = 10
_LARGEST = 1 << 14
# Channels of the latents of our references.
_MOST_LATENTS = 64
_ASKED = ("channels", "cross", "added", "image_size", "frames")
_CONVOLUTION = re.compile(r"to have (\d+) channels, but got (\d+) channels")
_PRODUCT = re.compile(r"cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)")
_SUM = re.compile(r"(?:num_channels_latents|latent).*?=\s*(\d+)\s*[.,]?\s*(?:Please|$)", re.DOTALL)
_DIVISIBLE = re.compile(r"(?:divisible by|multiple of) `?(\d+)")
_UNEQUAL = re.compile(
    r"Expected size (\d+) but got size \d+|size of tensor a \(\d+\) must match the size of tensor b \((\d+)\)"
)
_LEAST = re.compile(r"at least (\d+)\s?x\s?\d+")
_EXCLUSIVE = re.compile(r"simultaneously|at the same time|only one of|not both|provide both")
_DENOISER = re.compile(r"(unet|transformer|dit|prior)_?\w*\.py$")


@dataclass(frozen=True, slots=True)
class Changes:
    """What attempts found out: sizes asked for, optional components and arguments to give, arguments to leave out, the
    forms to give pictures in, and whether to pass over the author's example."""

    asked: Mapping[str, int] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    give: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    forms: Mapping[str, str] = field(default_factory=dict)
    no_example: bool = False

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
            "also": list(also),
            "give": list(give),
            "omit": list(omit),
            "forms": dict(forms),
            "no_example": bool(no_example),
        }:
            names = [*also, *give, *omit, *forms]
            sizes = [isinstance(n, int) and 0 < n <= _LARGEST for n in asked.values()]
            if len(names) <= 200 and all(isinstance(n, str) and n.isidentifier() and len(n) < 100 for n in names):  # noqa: SIM102
                if all(sizes) and set(asked) <= set(_ASKED) and set(forms.values()) <= set(FORMS):
                    return Changes(asked, tuple(also), tuple(give), tuple(omit), forms, no_example)
    raise ValueError("no changes of ours")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt: the error's type and text, and the frames, outermost first, as (file name, function, source)."""

    kind: str
    text: str
    frames: tuple[tuple[str, str, str], ...]

    @property
    def last(self) -> tuple[str, str, str]:
        """The innermost frame."""
        return self.frames[-1] if self.frames else ("", "", "")


@dataclass(frozen=True, slots=True)
class Situation:
    """What an attempt can be changed in: the call's parameters that a value may help, those for a number, a text or a
    picture, the optional components, the names that were given, and the size of pictures."""

    helpful: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    pictures: tuple[str, ...]
    components: tuple[str, ...]
    given: tuple[str, ...]
    has_example: bool
    image_size: int
    frames: int


def following(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """Return what to try after a failure and a few words on it, None when nothing comes to mind."""
    for suggest in (
        _exclusive,
        _sizes,
        _halves,
        _component,
        _negative,
        _missing,
        _named,
        _divisible,
        _forms,
        _all_pictures,
        _without_example,
        _larger,
    ):
        found = suggest(failure, changes, now)
        if found is not None and found[0] != changes:
            return found
    return None


def _ask(changes: Changes, name: str, number: int) -> tuple[Changes, str] | None:
    if changes.asked.get(name) == number or not 0 < number <= _LARGEST:
        return None
    return replace(changes, asked={**changes.asked, name: number}), f"{name.replace('_', ' ')} {number}"


def _sizes(failure: Failure, changes: Changes, _: Situation) -> tuple[Changes, str] | None:
    """A denoiser that is given other channels, or another text width, than it was made for."""
    if found := _CONVOLUTION.search(failure.text):
        in_denoiser = any(_DENOISER.search(frame[0]) for frame in failure.frames)
        return _ask(changes, "channels", int(found[2])) if in_denoiser else None
    if found := _SUM.search(failure.text):
        return _ask(changes, "channels", int(found[1]))
    if found := _PRODUCT.search(failure.text):
        where = " ".join(f"{file}:{function}:{code}" for file, function, code in failure.frames[-12:])
        given = int(found[2])
        if "x_embedder" in where or "proj_in" in where:
            return _ask(changes, "channels", given)
        if re.search(r"to_k|add_k_proj|encoder_hidden_states", where):
            return _ask(changes, "cross", given)
        if "add_embedding" in where:
            return _ask(changes, "added", given)
    return None


def _halves(failure: Failure, changes: Changes, _: Situation) -> tuple[Changes, str] | None:
    """A denoiser that takes a picture's latents beside its own: the pipeline halves its channels, and gets too few."""
    found = _UNEQUAL.search(failure.text)
    function, file = failure.last[1], failure.last[0]
    number = int(found[1] or found[2]) if found else 0
    if 0 < number <= _MOST_LATENTS and (function == "prepare_latents" or "scheduling_" in file):
        return _ask(changes, "channels", 2 * number)
    return None


def _exclusive(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """Two inputs of which only one may be given."""
    if not _EXCLUSIVE.search(failure.text):
        return None
    spoken = re.findall(r"\w+", failure.text)
    names = sorted((n for n in changes.give if n in spoken and n in now.given), key=spoken.index)
    if len(names) < 2:
        return None
    return replace(changes, omit=(*changes.omit, *names[1:])), f"without {', '.join(names[1:])}"


def _component(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """An optional component that was None."""
    if "NoneType" not in failure.text:
        return None
    for _, _, code in reversed(failure.frames):
        for name in re.findall(r"self\.(\w+)", code):
            if name in now.components and name not in changes.also:
                return replace(changes, also=(*changes.also, name)), f"component {name}"
    return None


def _missing(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A picture that was left out."""
    return _all_pictures(failure, changes, now) if re.search(r"None\b|NoneType|undefined", failure.text) else None


def _named(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """An optional argument that the error, the source line that raised it, or the one that called that, speaks of."""
    numbers = now.numbers if "NoneType" in failure.text else ()
    given = {*now.given, *changes.give, *changes.omit}
    callers = [frame[2] for frame in failure.frames[-2:-1]]
    for said in (f"{failure.text} {failure.last[2]}", *callers):
        spoken = set(re.findall(r"\w+", said))
        names = tuple(n for n in (*now.helpful, *numbers) if n in spoken and n not in given)
        if names:
            return replace(changes, give=(*changes.give, *names)), f"with {', '.join(names)}"
    return None


def _negative(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A negative prompt that is not as optional as its default says."""
    name = "negative_prompt"
    if "NoneType" not in failure.text or name not in now.texts or name in (*now.given, *changes.give):
        return None
    if not any("encode_prompt" in frame[1] for frame in failure.frames):
        return None
    return replace(changes, give=(*changes.give, name)), f"with {name}"


def _divisible(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    if (least := _LEAST.search(failure.text)) and now.image_size < int(least[1]) <= 512:
        return _ask(changes, "image_size", int(least[1]))
    if found := _DIVISIBLE.search(failure.text):
        factor = int(found[1])
        if 0 < factor <= 512 and now.image_size % factor:
            return _ask(changes, "image_size", -(-now.image_size // factor) * factor)
    return None


def _forms(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """A picture in another form: the one that the error speaks of first, then each in turn."""
    given = [name for name in now.pictures if name in now.given]
    if not given or failure.kind not in ("TypeError", "ValueError", "AttributeError", "RuntimeError"):
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
    names = tuple(n for n in now.pictures if n in now.helpful and n not in now.given and n not in changes.give)
    return (replace(changes, give=(*changes.give, *names)), f"with {', '.join(names)}") if names else None


def _without_example(_: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    if not now.has_example or changes.no_example:
        return None
    return replace(changes, no_example=True), "without the example's values"


def _larger(failure: Failure, changes: Changes, now: Situation) -> tuple[Changes, str] | None:
    """Pictures of the size that the code may take for granted."""
    if not re.search(r"size|shape|reshape|out of range|out of bounds|broadcast|dimension", failure.text):
        return None
    return _ask(changes, "image_size", 512) if now.image_size < 512 else None
