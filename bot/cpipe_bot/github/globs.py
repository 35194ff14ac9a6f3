"""Paths of a repository by pattern, as in workflow files: `**` spans folders, `*` and `?` stay in one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_MEANINGS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Return whether the whole of `path` fits one of `patterns`."""
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = _PARTS.findall(pattern)
    return re.compile("".join(_MEANINGS.get(part) or re.escape(part) for part in parts), re.DOTALL)
