"""Sizes as people write them, in decimal units as the Hub shows them."""

from __future__ import annotations

import re

# Of a repository's own weights. A sandbox holds no larger ones: half precision takes twice as much when it is loaded on
# a CPU and saved.
MOST_OWN = 2 * 10**9
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?([KMGT]?)B?", re.ASCII | re.IGNORECASE)


def size_from(text: str) -> int | None:
    """Return the bytes that a text such as `500MB`, `1.5 G` or `2000000` names, None when it names none."""
    match = _SIZE.fullmatch(text.strip())
    return None if match is None else round(float(match[1]) * _UNITS[match[2].upper()])


def size_text(size: int) -> str:
    """Return how a person writes so many bytes, `1.4 GB` for one."""
    unit = next((unit for unit in "TGMK" if size >= _UNITS[unit]), "")
    return f"{f'{size / _UNITS[unit]:.1f}'.removesuffix('.0')} {unit}B"
