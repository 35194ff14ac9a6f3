"""Whether a repository's owner wants no checks: a file, a line in the README's front matter, or a tag.

What main says counts, for pull requests too: no pull request can switch its own check off.
"""

from __future__ import annotations

from typing import Any

FILE = ".cpipe-check-off"
KEY = "cpipe-check"
TAG = "no-cpipe-check"
HOW = f"an empty file `{FILE}` or the line `{KEY}: false` in the README's front matter, on main"
_OFF = ("false", "off", "no")


def opted_out(info: Any) -> bool:
    """Tell by what the Hub says of main (huggingface_hub's `ModelInfo` or `DatasetInfo`)."""
    if any(sibling.rfilename == FILE for sibling in info.siblings or ()):
        return True
    card = getattr(info, "card_data", None)
    said = card.get(KEY) if card is not None else None
    return TAG in (info.tags or ()) or said is False or str(said).strip().lower() in _OFF
