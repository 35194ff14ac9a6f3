"""Answers: a template filled in, and the headers that keep a browser from doing more than showing it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from importlib.resources import files

import jinja2
import markupsafe
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from cpipe_bot.run import Run
from cpipe_bot.web.chart import bars
from cpipe_check import __version__
from cpipe_check.report import markup
from cpipe_check.report.wording import runs as releases

HUB = "https://huggingface.co"
# The pages of a Space are shown in a frame of the Hub's.
_FRAMED_BY = f"'self' {HUB}"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors "
)
_REPORT_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; sandbox; "
    f"frame-ancestors {_FRAMED_BY}"
)
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
# The word and the colour of a run, by its conclusion or its state.
_OUTCOMES = {
    "success": ("passed", "good"),
    "failure": ("failed", "bad"),
    "neutral": ("no verdict", "unsure"),
    "queued": ("queued", "info"),
    "running": ("running", "info"),
    "superseded": ("superseded", "none"),
    "opted out": ("opted out", "none"),
    "dead": ("given up", "bad"),
}


def outcome(run: Run) -> tuple[str, str]:
    """Return what became of a run in a word or two, and the colour for it."""
    return _OUTCOMES[run.conclusion or ("neutral" if run.state == "done" else run.state)]


def page(template: str, *, status: int = 200, framed_by: str = _FRAMED_BY, **values: object) -> HTMLResponse:
    """Return a template of this package as a page. All values are escaped, and missing ones raise."""
    text = _environment().get_template(template).render(values)
    policy = {"Content-Security-Policy": _POLICY + framed_by, "Cache-Control": "no-store"}
    return HTMLResponse(text, status, {**_HEADERS, **policy})


def report(text: str) -> HTMLResponse:
    """Return the page of a stored report, which may do nothing but be read."""
    return HTMLResponse(
        text, headers={**_HEADERS, "Content-Security-Policy": _REPORT_POLICY, "Cache-Control": "no-cache"}
    )


def cached(request: Request, content: str, media_type: str, seconds: int) -> Response:
    """Return something that caches may keep for a while, or only that it has not changed."""
    etag = f'"{_digest(content)}"'
    headers = {**_HEADERS, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    headers |= {"ETag": etag, "Cache-Control": f"public, max-age={seconds}"}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


@cache
def stylesheet() -> str:
    """Return the report's style with what the dashboard adds to it."""
    own = files("cpipe_bot.web").joinpath("static/pages.css").read_text(encoding="utf-8")
    return files("cpipe_check.report").joinpath("as_html.css").read_text(encoding="utf-8") + own


@cache
def icon() -> str:
    """Return the picture for the browser's tab."""
    return files("cpipe_bot.web").joinpath("static/icon.svg").read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cpipe_bot.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": _prose, "moment": _moment, "releases": releases, "bars": bars}
    environment.globals |= {
        "hub": HUB,
        "outcome": outcome,
        "stylesheet": f"/style.css?{_digest(stylesheet())}",
        "version": __version__,
    }
    return environment


def _prose(text: str) -> markupsafe.Markup:
    """What stands in backticks as code; escaped by the report's own means."""
    return markupsafe.Markup(markup.prose(text))


def _moment(when: datetime) -> markupsafe.Markup:
    shown = when.strftime("%Y-%m-%d %H:%M")
    return markupsafe.Markup('<time datetime="{}">{}</time>').format(when.isoformat(timespec="seconds"), shown)


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]
