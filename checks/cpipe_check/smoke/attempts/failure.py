"""What a failed attempt tells, and what the next one can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cpipe_check.smoke.attempts.changes import Changes

# What huggingface_hub raises for want of a network.
DOWNLOADS = ("OfflineModeIsEnabled", "LocalEntryNotFoundError")


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
    pictures; the optional components, the names that were given, the size of pictures, the width of text encoders, for
    attributes that methods other than `__init__` set, the method, and which parameters are given a smaller number than
    their author's.
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
    small: tuple[str, ...] = ()


# What to try and a few words on it; None when nothing comes to mind.
Suggestion = tuple[Changes, str] | None
