"""The smoke-load's part of the HTML report."""

from __future__ import annotations

from cpipe_check.report import html_pictures
from cpipe_check.report.html_badge import badge
from cpipe_check.report.markup import Markup, prose, tag
from cpipe_check.report.model import FileReport, Isolation, Smoke


def section(file: FileReport) -> Markup:
    """Return the verdict with its reason, the author's frames, what the call returned, the stages, the sandbox."""
    smoke = file.smoke
    return tag(
        "section",
        tag("h3", "Smoke-load"),
        tag("p", badge(smoke.verdict, smoke.verdict.value), " ", prose(smoke.reason), class_="verdict"),
        tag("div", tag("div", _frames(file), _output(smoke), _setting(smoke)), _stages(smoke), class_="columns"),
        _isolation(smoke.isolation),
    )


def _frames(file: FileReport) -> Markup:
    if not file.smoke.frames:
        return Markup()
    items = [
        tag(
            "li",
            "in ",
            tag("code", frame.function),
            tag(
                "pre",
                tag("span", str(frame.line), class_="number"),
                tag("code", frame.code),
                tabindex=0,
                role="group",
                aria_label=f"line {frame.line}",
            ),
        )
        for frame in file.smoke.frames
    ]
    return tag("div", tag("h4", "Where, innermost first"), tag("ol", *items, class_="frames"))


def _output(smoke: Smoke) -> Markup:
    if not smoke.output and not smoke.pictures:
        return Markup()
    return tag(
        "div",
        tag("h4", "What the call returned"),
        tag("p", tag("code", smoke.output)) if smoke.output else "",
        html_pictures.gallery(smoke.pictures),
    )


def _setting(smoke: Smoke) -> Markup:
    facts = [(name, text) for name, text in (("reference", smoke.reference), ("device", smoke.device)) if text]
    return tag("dl", *(tag("div", tag("dt", n), tag("dd", t)) for n, t in facts), class_="facts") if facts else Markup()


def _stages(smoke: Smoke) -> Markup:
    if not smoke.stages:
        return Markup()
    head = tag("tr", *(tag("th", name, scope="col") for name in ("Stage", "Seconds", "Outcome")))
    rows = [
        tag(
            "tr",
            tag("th", stage.name, scope="row"),
            tag("td", f"{stage.seconds:.2f}", class_="seconds"),
            tag("td", "ok" if stage.ok else "failed", class_="good" if stage.ok else "bad"),
        )
        for stage in smoke.stages
    ]
    return tag("table", tag("caption", "Stages"), tag("thead", head), tag("tbody", *rows))


def _isolation(isolation: Isolation) -> Markup:
    if not isolation.name:
        return Markup()
    if isolation.name == "none":
        return tag("p", "Ran without isolation, as reported by the file's own process.", class_="basis")
    proven = f" Proven: {', '.join(isolation.proven)}." if isolation.proven else ""
    holes = f" Not proven: {', '.join(isolation.not_proven)}." if isolation.not_proven else ""
    text = f"Ran in {isolation.name}, as reported by the file's own process.{proven}{holes}"
    return tag("p", text, class_="basis")
