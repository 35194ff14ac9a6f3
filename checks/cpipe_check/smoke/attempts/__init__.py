"""What to try next when a call does not take the inputs made for it, read out of its error."""

from __future__ import annotations

from collections.abc import Iterator

from cpipe_check.smoke.attempts import passed, sizes
from cpipe_check.smoke.attempts.changes import Changes, changes_from
from cpipe_check.smoke.attempts.failure import DOWNLOADS, Failure, Situation

__all__ = ["DOWNLOADS", "MAX_ATTEMPTS", "Changes", "Failure", "Situation", "changes_from", "following"]

MAX_ATTEMPTS = 10
# The likeliest first.
_SUGGESTIONS = (
    passed.before, sizes.of_components, sizes.halves, passed.component, passed.negative, passed.missing, passed.named,
    sizes.of_author, sizes.divisible, passed.shortened, sizes.more_steps, sizes.larger, sizes.words, passed.forms,
    passed.all_pictures, sizes.as_written, passed.without_example,
)  # fmt: skip


def following(failure: Failure, changes: Changes, now: Situation) -> Iterator[tuple[Changes, str]]:
    """Yield what to try after a failure, with a few words on it. What comes later is for when that cannot be made."""
    for suggest in (passed.component,) if failure.kind in DOWNLOADS else _SUGGESTIONS:
        found = suggest(failure, changes, now)
        if found is not None and found[0] != changes:
            yield found
