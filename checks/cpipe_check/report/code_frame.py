"""The part of a source line that a finding points at."""

from __future__ import annotations

from dataclasses import dataclass

from cpipe_check.finding import Span

_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A source line, or the part of a long one around the span: before the span, the span itself, after it."""

    before: str
    marked: str
    after: str


def excerpt(source: str, span: Span) -> Excerpt | None:
    """Return the part of a line to show for a span, None for a binary line or one that was cut before the span."""
    # One character for one, so that columns stay what they are.
    shown = source.replace("\t", " ").rstrip()
    if not shown or shown.count("\ufffd") > len(shown) // 4 or span.column > len(source) + 1:
        return None
    first = max(0, min(span.column - 1, len(shown)) - _WIDTH // 2) if len(shown) > _WIDTH else 0
    shown = shown[first : first + _WIDTH]
    start = span.column - 1 - first
    end = start + max(1, min(span.end_column - 1 - first, len(shown)) - start)
    return Excerpt(shown[:start], shown[start:end], shown[end:])
