"""A label that says what the check came to, where the repository wants it."""

from __future__ import annotations

from github.PullRequest import PullRequest

from cpipe_bot.github.client import gone_is_fine
from cpipe_bot.github.outcome import Conclusion

_LABELS: dict[Conclusion, str] = {
    "success": "cpipe-check: ok",
    "failure": "cpipe-check: needs work",
    "neutral": "cpipe-check: no verdict",
}


def write(pull: PullRequest, conclusion: Conclusion | None) -> None:
    """Make the pull request have the label of a conclusion and none of the others; none at all for None."""
    present = {label.name for label in pull.get_labels()}
    wanted = _LABELS[conclusion] if conclusion is not None else None
    for name in present & set(_LABELS.values()) - {wanted}:
        with gone_is_fine():
            pull.remove_from_labels(name)
    if wanted is not None and wanted not in present:
        # GitHub makes a label that the repository does not have yet.
        pull.add_to_labels(wanted)
