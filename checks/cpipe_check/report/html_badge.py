"""The HTML report's colours for severities and verdicts."""

from __future__ import annotations

from cpipe_check.finding import Severity
from cpipe_check.report.markup import Markup, tag
from cpipe_check.report.model import Verdict

_TONES = {
    Severity.ERROR: "bad",
    Severity.WARNING: "unsure",
    Severity.INFO: "info",
    Verdict.FAILED: "bad",
    Verdict.NOT_RUN: "unsure",
    Verdict.RAN: "good",
}


def badge(of: Severity | Verdict, text: str) -> Markup:
    """Return a word or two in the colour of a severity or a verdict."""
    return tag("span", text, class_=f"badge {_TONES[of]}")
