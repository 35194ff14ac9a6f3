"""A run of releases on which a file loads."""

from __future__ import annotations

from dataclasses import dataclass

from cpipe_check.text import CleanText


@dataclass(frozen=True, slots=True)
class LoadRange:
    """A run of releases, both ends included, on which the file loads (`loads` True) or may load (None: cannot tell).

    `before` and `after` say why it does not load on the release before the first and after the last; "" at the end of
    what is indexed, or where that cannot be told either. `sampled` is True when not every release is indexed.
    """

    first: CleanText
    last: CleanText
    loads: bool | None
    before: CleanText
    after: CleanText
    sampled: bool
