"""Final release numbers: order, and the nearest ones to an unknown number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cpipe_check.api_index.model import ApiIndexError

_FINAL = re.compile(r"\d+(\.\d+)*")


def is_final(version: str) -> bool:
    """Tell whether ``version`` is a plain release number, such as ``0.42.1``."""
    return _FINAL.fullmatch(version) is not None


def sort_key(version: str) -> tuple[int, ...]:
    """Return a key that orders final releases, alike for ``1.0`` and ``1.0.0``; other text (a source tree) is last."""
    if not is_final(version):
        return (1 << 30,)
    parts = [int(part) for part in version.split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def in_order(versions: Iterable[str]) -> tuple[str, ...]:
    """Return the versions from old to new, without doubles."""
    return tuple(sorted(set(versions), key=sort_key))


def same(version: str, known: Sequence[str]) -> str | None:
    """Return how ``version`` is spelt in ``known``, or ``None``."""
    if version in known or not is_final(version):
        return version if version in known else None
    return next((other for other in known if sort_key(other) == sort_key(version)), None)


def nearest(version: str, known: Sequence[str]) -> str:
    """Return what stands for ``version``: itself, the newest known of its minor, the last before it, or the first.

    A sampled library has one release of a minor, and patch releases of one minor hardly differ in names. A suffix such
    as ``.dev0`` is ignored. Raises `ApiIndexError` for a text that does not start with a number.
    """
    number = _FINAL.match(version)
    if number is None:
        raise ApiIndexError(f"{version!r} is no version number")
    key = sort_key(number[0])
    alike = [other for other in known if sort_key(other) == key]
    same_minor = [other for other in known if _minor(other) == _minor(number[0])]
    before = [other for other in known if sort_key(other) <= key]
    return (alike or same_minor or before or list(known[:1]))[-1]


def _minor(version: str) -> tuple[int, ...]:
    return (*sort_key(version), 0)[:2]
