"""The HTML report: hostile text is inert, nothing is fetched, and a real browser shows it without a complaint."""

from __future__ import annotations

import io
import itertools
import re
import shutil
import subprocess
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.finding import Edit, Finding, Fix, Severity, Span
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report import RENDERERS, png
from cpipe_check.report.model import (
    Attempt,
    Compatibility,
    Component,
    FileReport,
    Frame,
    Isolation,
    Notice,
    Picture,
    Report,
    Smoke,
    Stage,
    Verdict,
)
from cpipe_check.rules import RULES
from cpipe_check.submission import collect
from cpipe_check.text import clean, clean_line

VOID = {"br", "img", "meta"}
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "single quote": "' onmouseover='alert(1)' x='",
    "style": "</style><script>alert(1)</script>",
    "title": "</title><body onload=alert(1)>",
    "closing": "</code></pre></details></main></body></html><h1>gone</h1>",
    "link": 'javascript:alert(1) <a href="javascript:alert(1)">x</a>',
    "comment": "<!-- ]]> --> <![CDATA[ <?php ?>",
    "entity": "&lt;script&gt; &#60;b&#62; &amp",
    "css": "} body { display: none } @import url(http://evil.example/x)",
    "svg": "<svg/onload=alert(1)><polygon points='",
    "command": "\n::error::x ##[group]x",
    "control": "\x1b[31m\u202e\x00",
    "long": "<" + "W" * 1900,
}


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and whether its elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text, self.style, self.open = "", "", list[str]()
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [dict(attributes) for name, attributes in self.elements if name == tag]


def report_of(text: str) -> Report:
    """A report with a text in every field that takes one, next to the field's name."""

    def c(name: str) -> Any:
        return clean(f"{name}.{text}.{name}")

    def line(name: str) -> Any:
        return clean_line(f"{name}.{text}.{name}")

    findings = tuple(
        Finding(
            "CP301",
            "module-missing",
            severity,
            c("message"),
            Span(3, 5, 3, 9),
            c("label"),
            "load",
            c("consequence"),
            c("advice"),
            Fix(c("description"), (Edit(Span(3, 5, 3, 9), text),)),
        )
        for severity in Severity
    )
    runs = {"diffusers": (LoadRange(c("first"), c("last"), None, c("before"), c("after"), True),)}
    smoke = Smoke(
        Verdict.FAILED,
        c("reason"),
        c("reference"),
        c("device"),
        (Stage("load", 0.5, True, 1 << 30), Stage("call", 0.25, False, 1 << 30, 1 << 20)),
        (Frame(3, c("function"), line("code")),),
        c("output"),
        isolation=Isolation(c("isolation"), (c("proven"),), (c("unproven"),), c("host")),
        choices=(c("choice"),),
        attempts=(Attempt(c("why_tried"), c("tried")),),
        notices=(Notice("call", c("notice")),),
        pictures=PICTURES,
    )
    file = FileReport(
        c("path"),
        c("class"),
        (Component(c("component"), c("type"), False, False), Component(c("untyped"), None, True, True)),
        c("unknown"),
        findings,
        Compatibility(None, c("diffusers"), c("transformers"), runs, (c("others"),)),
        smoke,
        {3: line("source")},
    )
    unclear = replace(file, findings=(), smoke=Smoke(Verdict.NOT_RUN, c("notrun")))
    return Report((file, unclear), ((c("skipped"), c("why")),), (c("problem"),), 24)


PICTURES = (
    Picture("image", 2, 1, 1, bytes(range(6))),
    Picture("video", 96, 96, 16, bytes(3 * 96 * 96 * 16)),
    Picture("audio", 400, 2, 1, bytes([0, 255] * 400)),
)
# What a report has and a page does not show: the code of a fix is for a machine.
UNSHOWN = {"description"}


def render(report: Report) -> str:
    return RENDERERS["html"](report, False)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_inert(text: str) -> None:
    """It makes no element and no attribute, wherever it stands, and can be read as it is."""
    page = render(report_of(text))
    hostile, harmless = Page(page), Page(render(report_of("harmless")))
    assert hostile.elements == harmless.elements
    assert hostile.style == harmless.style
    for name in NAMES:
        shown = hostile.text if name != "source" else hostile.text.replace("\n", "")
        kept = clean(f"{name}.{text}.{name}") if name not in ("code",) else clean_line(f"{name}.{text}.{name}")
        assert name == "source" or kept in shown, name
    assert not [line for line in page.split("\n") if line.strip().startswith("::")]
    assert "##[" not in page


NAMES = sorted(
    set(re.findall(r"(\w+)\.harmless\.\1", "".join(Page(render(report_of("harmless"))).text))) - {"harmless"}
)


def test_every_text_of_the_model_is_shown() -> None:
    """The test above is worth nothing for a field that it forgets, or that the page leaves out."""
    texts: set[str] = set()

    def walk(value: object) -> None:
        match value:
            case str():
                texts.update(re.findall(r"^(\w+)\.harmless\.\1$", value))
            case tuple():
                for item in value:
                    walk(item)
            case dict():
                walk(tuple(value.values()))
            case _ if is_dataclass(value):
                for field in fields(value):
                    inside = getattr(value, field.name)
                    assert not isinstance(inside, str) or isinstance(value, Edit) or inside, f"{field.name} is not set"
                    walk(inside)

    report = report_of("harmless")
    walk((report.files[0], report.skipped, report.problems, report.files[1].smoke.reason))
    assert set(NAMES) == texts - UNSHOWN


def test_code_in_messages() -> None:
    file = report_of("x").files[0]
    for reason, codes in (("a `b<c>` d", ["b<c>"]), ("one ` only <b>", []), ("`<script>`", ["<script>"])):
        smoke = Smoke(Verdict.NOT_RUN, clean(reason))
        page = Page(render(Report((replace(file, findings=(), smoke=smoke),))))
        assert (reason.replace("`", "") if codes else reason) in page.text
        assert "script" not in [name for name, _ in page.elements]


def test_self_contained() -> None:
    page = Page(render(report_of("x")))
    assert {name for name, _ in page.elements}.isdisjoint(
        {"script", "link", "iframe", "object", "embed", "a", "form", "base"}
    )
    for _, attributes in page.elements:
        for name, value in attributes:
            assert not name.startswith("on")
            assert name not in ("src", "href", "srcset") or str(value).startswith("data:image/png;base64,")
    assert not re.search(r"url\(|@import|//", page.style)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


def test_accessible() -> None:
    page = Page(render(report_of("x")))
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert len(page.all("h1")) == 1
    assert all(image["alt"] for image in page.all("img"))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h\d", name)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    # A region that scrolls can be reached by the keyboard.
    assert all(pre.get("tabindex") == "0" for pre in page.all("pre"))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast() -> None:
    """WCAG AA for every colour of text on every ground that it stands on, light, dark and printed."""
    style = Page(render(report_of("x"))).style
    roots = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(roots) == 3
    for root in roots:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", root))
        tones = ("good", "bad", "unsure", "info")
        pairs = [(ink, paper) for ink in ("ink", "faint", *tones) for paper in ("paper", "panel")]
        for ink, paper in [*pairs, *((tone, f"{tone}-paper") for tone in tones), ("ink", "mark")]:
            one, other = luminance(colours[ink]), luminance(colours[paper])
            ratio = (max(one, other) + 0.05) / (min(one, other) + 0.05)
            assert ratio >= 4.5, f"{ink} on {paper}: {ratio:.1f}"


def test_summary_counts() -> None:
    page = Page(render(report_of("x"))).text
    assert "files2ran0failed1not run1with findings1" in page
    assert "in isolation.x.isolation in host.x.host, as reported by that machine" in page


def test_png() -> None:
    image = pytest.importorskip("PIL.Image")
    pixels = bytes(range(3 * 5 * 7))
    opened = image.open(io.BytesIO(png.encode(5, 7, pixels)))
    assert (opened.size, opened.mode, opened.tobytes()) == ((5, 7), "RGB", pixels)


def test_command_writes_it(command, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = command("--static", "--output-format", "html", "--output-file", target, PIPELINES / "one_step_unet.py")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert "UnetSchedulerOneForwardPipeline" in Page(target.read_text(encoding="utf-8")).text
    done = command("--static", "--output-format", "html", *sorted((PIPELINES / "broken").iterdir()))
    assert done.code == 1
    assert "--static" in Page(done.out).text
    assert all(f"{rule.code} {rule.name}" in Page(done.out).text for rule in RULES)


def test_no_file(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text("x = 1\n")
    assert "no pipeline files" in Page(render(check(collect([str(tmp_path)])))).text


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Opens everything and tells the page around it what it sees.
_LOOK = """<script>addEventListener("load", () => {
  for (const file of document.querySelectorAll("details")) file.open = true;
  const root = document.documentElement, images = [...document.images];
  const broken = images.filter(image => !image.naturalWidth).length;
  const wide = [...document.querySelectorAll("body *:not(pre *, .film *)")].filter(
    e => e.getBoundingClientRect().right > root.clientWidth + 1).map(e => e.tagName + "." + e.className);
  parent.postMessage([root.clientWidth, root.scrollWidth, images.length, broken, wide].join(" "), "*");
});</script>"""
# The browser's own window is not made as narrow as a phone.
_AROUND = """<!DOCTYPE html><script>
addEventListener("message", event => document.documentElement.setAttribute("data-seen", event.data));
</script><iframe src="report.html" width="{width}" height="900" style="border: 0"></iframe>"""


def browse(path: Path, *arguments: str) -> tuple[str, list[str]]:
    """Load a page in the browser and return its DOM and the lines of its console."""
    assert CHROMIUM is not None
    profile = path.parent / "profile"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    done = subprocess.run(
        [*command, f"--user-data-dir={profile}", *arguments, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
class TestInChromium:
    def test_nothing_to_complain_about(self, tmp_path: Path) -> None:
        """The page as it is, under its own policy; a page that breaks it shows that the console is heard."""
        path = tmp_path / "report.html"
        page = render(report_of(HOSTILE["attribute"] + HOSTILE["style"]))
        path.write_text(page, encoding="utf-8")
        dom, console = browse(path)
        assert console == []
        assert "as reported by that machine" in dom
        assert "<script" not in dom
        path.write_text(page.replace("<main>", "<main><script>x</script>"), encoding="utf-8")
        assert "Content Security Policy" in "".join(browse(path)[1])

    @pytest.mark.parametrize(("name", "width"), [("harmless", 390), ("long", 390), ("long", 1200)])
    def test_fits_the_screen(self, tmp_path: Path, name: str, width: int) -> None:
        path = tmp_path / "report.html"
        page = re.sub(
            '<meta http-equiv="Content-Security-Policy"[^>]*>', _LOOK, render(report_of(HOSTILE.get(name, name)))
        )
        path.write_text(page, encoding="utf-8")
        around = tmp_path / "around.html"
        around.write_text(_AROUND.format(width=width))
        dom, console = browse(around, "--window-size=1400,1000", "--hide-scrollbars", "--virtual-time-budget=5000")
        assert console == []
        seen = re.findall(r'data-seen="([^"]*)"', dom)
        assert seen == [f"{width} {width} 2 0 "]
