"""The report as one self-contained page: no script, nothing fetched, all text inert."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

from cpipe_check import __version__
from cpipe_check.finding import Finding, Severity
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report import html_smoke
from cpipe_check.report.code_frame import excerpt
from cpipe_check.report.html_badge import badge
from cpipe_check.report.markup import Markup, join, prose, tag
from cpipe_check.report.model import Compatibility, Component, FileReport, Report, Verdict
from cpipe_check.report.wording import FAILS, releases

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_FEW = 10


def render(report: Report, _colour: bool = False) -> str:
    """Return the report as an HTML page, which has nothing in it that GitHub's runner takes for a command."""
    css = files("cpipe_check.report").joinpath("as_html.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"cpipe-check: {_headline(report)}"),
        tag("style", Markup(css)),
    )
    main = tag("main", *(_file(number, file, report) for number, file in enumerate(report.files, 1)))
    footer = tag("footer", tag("p", f"Made by cpipe-check {__version__}. Exit code {report.exit_code}."))
    body = tag("body", _header(report), "\n", main, "\n", footer)
    page = f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"
    # In a page these are other spellings of the same.
    return re.sub(r"^(\s*)::", r"\1&#58;:", page, flags=re.MULTILINE).replace("##[", "##&#91;")


def _headline(report: Report) -> str:
    count = len(report.files)
    bad = sum(file.failed for file in report.files)
    return f"{count} pipeline file{'' if count == 1 else 's'}, {bad or 'none'} with findings or a failed smoke-load"


def _header(report: Report) -> Markup:
    verdicts = [file.smoke.verdict for file in report.files]
    totals = (
        ("files", "", len(report.files)),
        ("ran", "good", verdicts.count(Verdict.RAN)),
        ("failed", "bad", verdicts.count(Verdict.FAILED)),
        ("not run", "unsure", verdicts.count(Verdict.NOT_RUN)),
        ("with findings", "bad", sum(bool(file.findings) for file in report.files)),
    )
    tiles = [
        tag("div", tag("dt", name), tag("dd", str(count)), class_=tone if count else "none")
        for name, tone, count in totals
    ]
    notes = [tag("li", prose(problem)) for problem in report.problems]
    notes += [tag("li", "skipped ", tag("code", path), ": ", prose(reason)) for path, reason in report.skipped]
    return tag(
        "header",
        tag("h1", "cpipe-check"),
        tag("p", _headline(report)),
        tag("dl", *tiles, class_="totals"),
        _listed("notes", notes),
    )


def _listed(class_: str, items: list[Markup]) -> Markup:
    return tag("ul", *items, class_=class_) if items else Markup()


def _file(number: int, file: FileReport, report: Report) -> Markup:
    # Of many files the list is what is read first.
    opened = len(report.files) == 1 or (file.failed and len(report.files) <= _FEW)
    summary = tag(
        "summary",
        tag("h2", file.path),
        tag("span", file.pipeline_class or "", class_="class"),
        tag("span", *_badges(file), class_="badges"),
    )
    body = tag("div", _components(file.components), _static(file, report.rules), html_smoke.section(file))
    return join(("\n", tag("details", summary, body, class_="file", id=f"file-{number}", open=opened)))


def _badges(file: FileReport) -> Iterator[Markup]:
    for severity in Severity:
        count = sum(finding.severity is severity for finding in file.findings)
        if count:
            yield badge(severity, f"{count} {severity.value}{'s' if count > 1 else ''}")
    if file.static == "cannot tell":
        yield badge(Verdict.NOT_RUN, "cannot tell")
    yield badge(file.smoke.verdict, file.smoke.verdict.value)


def _components(components: tuple[Component, ...]) -> Markup:
    if not components:
        return Markup()
    items = []
    for component in components:
        remarks = [] if component.required else ["optional"]
        remarks += ["not registered"] if component.registered is False else []
        kind = (" ", tag("code", component.type, class_="type")) if component.type else ()
        items.append(tag("li", tag("code", component.name), *kind, *(f" {remark}" for remark in remarks)))
    return tag("section", tag("h3", "Components"), _listed("components", items))


def _static(file: FileReport, rules: int) -> Markup:
    said = {
        "cannot tell": f"cannot tell: {file.unknown}",
        "ok": f"ok: {rules} rules found nothing",
        "findings": f"{len(file.findings)} finding{'' if len(file.findings) == 1 else 's'} of {rules} rules",
    }
    return tag(
        "section",
        tag("h3", "Static check"),
        tag("p", prose(said[file.static])),
        *(_finding(file, finding) for finding in file.findings),
        _compatibility(file.compatibility),
    )


def _finding(file: FileReport, finding: Finding) -> Markup:
    span = finding.span
    parts = [
        tag(
            "h4",
            badge(finding.severity, finding.severity.value),
            " ",
            tag("span", f"{finding.code} {finding.name}", class_="code"),
        ),
        tag("p", prose(finding.message), class_="message"),
        tag("p", tag("code", f"{file.path}:{span.line}:{span.column}"), class_="place"),
        _code_frame(file.lines.get(span.line, ""), finding),
    ]
    if finding.consequence:
        parts.append(tag("p", prose(f"{FAILS.get(finding.breaks, 'it')} fails with: {finding.consequence}")))
    if finding.advice:
        kind = "Fix: " if finding.fix else "Help: "
        parts.append(tag("p", tag("strong", kind), prose(finding.advice), class_="advice"))
    return tag("article", *parts, class_=f"finding {finding.severity.value}")


def _code_frame(source: str, finding: Finding) -> Markup:
    shown = excerpt(source, finding.span)
    if shown is None:
        return Markup()
    number = tag("span", str(finding.span.line), class_="number")
    line = tag("code", shown.before, tag("mark", shown.marked or " "), shown.after)
    label = tag("span", "\n", prose(finding.label), class_="label") if finding.label else Markup()
    return tag("pre", number, line, label, tabindex=0, role="group", aria_label=f"line {finding.span.line}")


def _compatibility(compatibility: Compatibility) -> Markup:
    judged = [
        f"{library} {release}"
        for library, release in (
            ("diffusers", compatibility.diffusers),
            ("transformers", compatibility.transformers),
        )
        if release
    ]
    if not judged:
        return Markup()
    loads = {True: "it loads", False: "it does not load", None: "cannot tell whether it loads"}[compatibility.loads]
    items = [_range(library, run) for library, runs in compatibility.ranges.items() for run in runs]
    if not compatibility.ranges.get("diffusers"):
        items.append(tag("li", "loads on no release of diffusers"))
    others = [tag("li", "counted as installed: ", ", ".join(compatibility.others))] if compatibility.others else []
    return tag(
        "div",
        tag("h4", "Compatibility"),
        tag("p", f"On {' and '.join(judged)} {loads}."),
        _listed("ranges", items + others),
    )


def _range(library: str, run: LoadRange) -> Markup:
    parts: list[str] = [tag("strong", f"{library} {releases(run)}")]
    parts.append(" loads" if run.loads else " perhaps loads")
    parts += [", one release of every minor known"] if run.sampled else []
    parts += [tag("br"), "not before: ", prose(run.before)] if run.before else []
    parts += [tag("br"), "not after: ", prose(run.after)] if run.after else []
    return tag("li", *parts)
