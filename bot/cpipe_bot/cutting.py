"""Markdown that is cut where it gets too long, and still ends well."""

from __future__ import annotations


def cut(text: str, limit: int, why: str) -> str:
    """Return Markdown of at most `limit` bytes of UTF-8: its beginning, and `why` where it had to be cut."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    rest = f"\n\n{why}"
    kept = encoded[: limit - len(rest.encode()) - 200].decode(errors="ignore")
    kept = kept[: kept.rfind("\n")]
    return kept + _closed(kept) + rest


def _closed(text: str) -> str:
    """What ends a fence or a fold that the cut left open."""
    fence = ""
    for line in text.splitlines():
        mark = line[: len(line) - len(line.lstrip("`"))]
        if len(mark) >= 3 and (not fence or (mark == line and len(mark) >= len(fence))):
            fence = "" if fence else mark
    opened = text.count("\n<details>") - text.count("\n</details>")
    return (f"\n{fence}" if fence else "") + "\n\n</details>" * max(0, opened)
