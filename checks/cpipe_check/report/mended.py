"""A source line as a fix leaves it."""

from __future__ import annotations

from cpipe_check.finding import Finding
from cpipe_check.text import clean

_LONGEST = 1000


def mended(source: str, finding: Finding) -> list[str] | None:
    """Return what a finding's fix makes of its line, None where it has none or touches other lines, or a long one."""
    line = finding.span.line
    edits = sorted(finding.fix.edits, key=lambda edit: edit.span, reverse=True) if finding.fix else []
    if not edits or not source or len(source) > _LONGEST:
        return None
    text, end = source, len(source) + 1
    for edit in edits:
        span = edit.span
        if not (span.line == span.end_line == line and 1 <= span.column <= span.end_column <= end):
            return None
        text = text[: span.column - 1] + edit.text + text[span.end_column - 1 :]
        end = span.column
    return clean(text, 2 * _LONGEST).split("\n")
