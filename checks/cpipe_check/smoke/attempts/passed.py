"""Suggestions of what else to pass: components, arguments, pictures in another form, a method called before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from cpipe_check.smoke.attempts.changes import Changes
from cpipe_check.smoke.attempts.failure import DOWNLOADS, Failure, Situation, Suggestion

_FROM_PRETRAINED = re.compile(r"self\.(\w+) = (\w+)\.from_pretrained")


def before(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    """A method that sets what the call has not."""
    found = re.search(r"has no attribute '(\w+)'", failure.text)
    method = now.setters.get(found[1], "") if found else ""
    if not method or method in changes.before:
        return None
    return replace(changes, before=(*changes.before, method)), f"{method} first"


def component(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
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


def negative(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    """A negative prompt that is not as optional as its default says."""
    name = "negative_prompt"
    if "NoneType" not in failure.text or name not in now.optional or name in (*now.given, *changes.give):
        return None
    if not any("encode_prompt" in frame[1] for frame in failure.frames):
        return None
    return replace(changes, give=(*changes.give, name)), f"with {name}"


def missing(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    """A picture that was left out, the one that the error quotes or else all; or a text."""
    # What a picture that is None is called by an image processor.
    wrong = any(name in now.given for name in now.pictures) and "is in incorrect format" in failure.text
    if not wrong and not re.search(r"None\b|NoneType|undefined", failure.text):
        return None
    quoted = set(re.findall(r"`(\w+)`", failure.text)) & set(now.pictures)
    some = replace(now, pictures=tuple(name for name in now.pictures if name in quoted)) if quoted else now
    return all_pictures(failure, changes, some) or _give(now.helpful, changes, now)


def named(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
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


def forms(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
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


def all_pictures(_: Failure, changes: Changes, now: Situation) -> Suggestion:
    return _give([name for name in now.pictures if name in now.helpful], changes, now)


def _give(names: Sequence[str], changes: Changes, now: Situation) -> Suggestion:
    more = tuple(name for name in names if name not in now.given and name not in changes.give)
    return (replace(changes, give=(*changes.give, *more)), f"with {', '.join(more)}") if more else None


def shortened(failure: Failure, changes: Changes, now: Situation) -> Suggestion:
    """Lists of an example that do not go together: what fills them may be read from its text only in part."""
    if not now.has_example or changes.shortened or not re.search(r"must match|same (length|number)", failure.text):
        return None
    return replace(changes, shortened=True), "with lists of one item"


def without_example(_: Failure, changes: Changes, now: Situation) -> Suggestion:
    if not now.has_example or changes.no_example:
        return None
    # What was asked for the example's sake only makes the call long.
    asked = {name: size for name, size in changes.asked.items() if name not in ("image_size", "steps", "words")}
    return replace(changes, no_example=True, forms={}, give=(), asked=asked), "without the example's values"
