"""The smoke-load's part of the HTML report."""

from __future__ import annotations

from collections.abc import Sequence

from cpipe_check.report import html_pictures
from cpipe_check.report.html_badge import badge
from cpipe_check.report.markup import Markup, join, prose, tag
from cpipe_check.report.model import FileReport, Isolation, Smoke, Stage
from cpipe_check.report.wording import basis, where


def section(file: FileReport) -> Markup:
    """Return the verdict with its reason, the author's frames, what the call returned, the stages, the sandbox."""
    smoke = file.smoke
    return tag(
        "section",
        tag("h3", "Smoke-load"),
        tag("p", badge(smoke.verdict, smoke.verdict.value), " ", prose(smoke.reason), class_="verdict"),
        tag(
            "div",
            tag("div", _frames(file), _output(smoke), _notices(smoke), _setting(smoke)),
            _stages(smoke),
            class_="columns",
        ),
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


def _notices(smoke: Smoke) -> Markup:
    if not smoke.notices:
        return Markup()
    items = [tag("li", f"in {notice.stage}: ", prose(notice.text)) for notice in smoke.notices]
    return tag("div", tag("h4", "Notes"), tag("ul", *items))


def _setting(smoke: Smoke) -> Markup:
    return join((_facts(smoke), _list("How the reference was chosen", smoke.choices), _attempts(smoke)))


def _attempts(smoke: Smoke) -> Markup:
    if not smoke.attempts:
        return Markup()
    items = [tag("li", prose(attempt.why), ", so ", tag("strong", attempt.tried)) for attempt in smoke.attempts]
    return tag("div", tag("h4", "What was tried before"), tag("ol", *items))


def _list(title: str, texts: Sequence[str]) -> Markup:
    return tag("div", tag("h4", title), tag("ul", *(tag("li", text) for text in texts))) if texts else Markup()


def _facts(smoke: Smoke) -> Markup:
    facts = [(name, text) for name, text in (("reference", smoke.reference), ("device", smoke.device)) if text]
    return tag("dl", *(tag("div", tag("dt", n), tag("dd", t)) for n, t in facts), class_="facts") if facts else Markup()


def _stages(smoke: Smoke) -> Markup:
    if not smoke.stages:
        return Markup()
    head = tag("tr", *(tag("th", name, scope="col") for name in ("Stage", "Seconds", "Peak memory", "Outcome")))
    rows = [
        tag(
            "tr",
            tag("th", stage.name, scope="row"),
            tag("td", f"{stage.seconds:.2f}", class_="seconds"),
            tag("td", _memory(stage), class_="seconds"),
            tag("td", "ok" if stage.ok else "failed", class_="good" if stage.ok else "bad"),
        )
        for stage in smoke.stages
    ]
    return tag("table", tag("caption", "Stages"), tag("thead", head), tag("tbody", *rows))


def _memory(stage: Stage) -> str:
    """What the process had had by then, and a GPU's tensors meanwhile."""
    host = f"{stage.memory / (1 << 20):.0f} MB" if stage.memory else ""
    device = f"{stage.device_memory / (1 << 20):.0f} MB on the device" if stage.device_memory else ""
    return ", ".join(part for part in (host, device) if part) or "unknown"


def _isolation(isolation: Isolation) -> Markup:
    if not isolation.name:
        return Markup()
    if isolation.name == "none":
        return tag("p", f"Ran {where(isolation)}, {basis(isolation)}.", class_="basis")
    proven = f" Proven: {', '.join(isolation.proven)}." if isolation.proven else ""
    holes = f" Not proven: {', '.join(isolation.not_proven)}." if isolation.not_proven else ""
    text = f"Ran {where(isolation)}, {basis(isolation)}.{proven}{holes}"
    return tag("p", text, class_="basis")
