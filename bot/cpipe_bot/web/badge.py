"""The badge of a repository: what became of its last check, in the usual shape."""

from __future__ import annotations

from cpipe_bot.run import Run
from cpipe_bot.web.render import outcome
from cpipe_check.report.markup import Markup, tag
from cpipe_check.report.wording import runs as releases

_LABEL = "cpipe-check"
_COLOURS = {"good": "#116329", "bad": "#a40e26", "unsure": "#7a4b00", "none": "#57606a", "info": "#0a4f9e"}
_NOT_CHECKED = ("not checked", "none")
_HEIGHT = 20


def badge(run: Run | None) -> str:
    """Return the badge for a repository's latest run as SVG: `not checked` without one or when its owner wants none."""
    if run is None or run.state == "opted out":
        return _drawn(*_NOT_CHECKED, _NOT_CHECKED[0])
    word, tone = outcome(run)
    return _drawn(word, tone, f"{word} at {run.sha[:8]}{_loads(run)}")


def _loads(run: Run) -> str:
    if len(run.files) != 1 or not run.files[0].ranges.get("diffusers"):
        return ""
    return f", loads on diffusers {releases(run.files[0].ranges['diffusers'])}"


def _drawn(word: str, tone: str, title: str) -> str:
    left, right = _width(_LABEL), _width(word)
    parts = (
        tag("title", f"{_LABEL}: {title}"),
        tag("rect", width=left + right, height=_HEIGHT, rx=3, fill="#1c2128"),
        tag("path", d=_right_end(left, right), fill=_COLOURS[tone]),
        _text(_LABEL, 0, left),
        _text(word, left, right),
    )
    size = {"width": left + right, "height": _HEIGHT}
    label = f"{_LABEL}: {word}"
    return tag("svg", *parts, xmlns="http://www.w3.org/2000/svg", role="img", aria_label=label, **size)


def _right_end(left: int, right: int) -> str:
    return f"M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z"


def _text(text: str, start: int, width: int) -> Markup:
    font = "Verdana,Geneva,'DejaVu Sans',sans-serif"
    middle = start + width // 2
    # Whatever font there is, the text is as long as the place for it.
    size = {"font_size": 11, "textLength": width - 12}
    return tag("text", text, x=middle, y=14, fill="#fff", font_family=font, text_anchor="middle", **size)


def _width(text: str) -> int:
    """About what the text takes in Verdana of 11 pixels, and the space around it."""
    narrow = sum(character in "ijlrtf-. " for character in text)
    return round(7.0 * (len(text) - narrow) + 4.2 * narrow) + 12
