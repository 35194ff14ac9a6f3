"""The Markdown report, read as GitHub reads it: hostile text is inert, and a newcomer sees what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpipe_check.finding import Severity
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report import RENDERERS
from cpipe_check.report.as_markdown import details, headline, next_step, table
from cpipe_check.report.markdown import block, cell, code, inline, prose
from cpipe_check.report.model import STATIC_ONLY, Compatibility, Report, Smoke, Verdict
from cpipe_check.text import clean, clean_line
from reports import HOSTILE, SNAPSHOTS, filled, names, realistic, snapshots

cmarkgfm = pytest.importorskip("cmarkgfm", reason="needs the test extra")

_EXTENSIONS = ["table", "autolink", "strikethrough", "tagfilter", "tasklist"]
# What GitHub makes something of in text outside code, once Markdown has been rendered.
_LIVE = re.compile(
    r"@[\w-]|#\d|\bGH-\d|https?:|www\.|mailto:|:[\w+-]+:|\$|\[\^|\b[0-9a-f]{7,40}\b|[^\s]@[^\s]|<!--|</", re.IGNORECASE
)
_VOID = {"br", "hr", "img", "input"}


class Page(HTMLParser):
    """The elements of a comment in order, its text, and its text outside code."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text, self.plain, self.open = "", "", list[str]()
        options = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE | cmarkgfm.cmark.Options.CMARK_OPT_FOOTNOTES
        self.feed(cmarkgfm.markdown_to_html_with_extensions(markdown, options=options, extensions=_EXTENSIONS))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Whether words stand in code is what differs between harmless and hostile text.
        if tag != "code" or attrs:
            self.elements.append((tag, tuple(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        self.plain += "\0" if {"code", "pre"} & set(self.open) else data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")


def render(report: Report) -> str:
    return RENDERERS["markdown"](report, False)


def squeezed(text: str) -> str:
    return re.sub(r"[\s`]", "", text)


# What a report has and a comment does not show: pictures, what the diff shows, what only chooses words.
UNSHOWN = {"description", "breaks", "kind"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("form", ["x{name} {text} {name}x", "{text} and so on", "{text}{text} and so on and on"])
def test_hostile_text_is_inert(text: str, form: str) -> None:
    """It makes no element and no attribute, GitHub finds nothing in it to link, and it can be read as it is."""
    page = Page(render(filled(lambda name: form.format(name=name, text=text))))
    assert page.elements == Page(render(filled(lambda name: form.format(name=name, text="harmless")))).elements
    assert not _LIVE.search(page.plain), _LIVE.search(page.plain)
    shown = squeezed(page.text)
    for name in names() - UNSHOWN:
        assert squeezed(clean(form.format(name=name, text=text))) in shown, name


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("@#:`$<>![]()|\\*_~-+=&;/.,'\"\n\t 01aewx{}^%é\u200b"), min_size=1, max_size=40))
def test_any_text_is_inert(text: str) -> None:
    """It stands in a paragraph, in a cell of a table and in a block: nothing of it gets out of any."""
    cleaned = clean(text)
    for made in (inline(cleaned), prose(cleaned), code(cleaned)):
        markdown = f"| a {cell(made)} b | c |\n| - | - |\n| {cell(made)} | d |\n\n- {made}\n\n**x {made}**\n\n{made}\n"
        page = Page(markdown)
        assert {name for name, _ in page.elements} <= {
            "table",
            "thead",
            "tr",
            "th",
            "tbody",
            "td",
            "ul",
            "li",
            "p",
            "strong",
        }
        assert [name for name, _ in page.elements].count("td") == 2
        assert not _LIVE.search(page.plain)
        assert page.text.count("\0") == 0
        assert squeezed(page.text).count(squeezed(made if made == cleaned else cleaned)) >= 4
    page = Page(f"x\n\n{block(cleaned, 'text')}\n\ny")
    assert [name for name, _ in page.elements] == ["p", "pre", "code", "p"] or page.elements[1][0] == "pre"
    assert cleaned.strip("\n") in page.text


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("plain words, and 0.42.1 too.", "plain words, and 0.42.1 too."),
        ("0.17.0 - 0.40.0", "0.17.0 - 0.40.0"),
        ("`a.b` was removed", "`a.b` was removed"),
        ("no a_b, c_d here", "no `a_b, c_d` here"),
        ("Expected ['x', 'y'] to be.", "Expected `['x', 'y']` to be."),
        ("it's a recipe's `[components]`, say", "it's a recipe's `[components]`, say"),
        ("`a``b`", "`ab`"),
        ("one ` only", "one `` ` `` only"),
        ("1. no list", "`1`. no list"),
        ("", ""),
        ("``", ""),
        ("hello, @octocat!", "hello, `@octocat!`"),
    ],
)
def test_prose(message: str, expected: str) -> None:
    assert prose(message) == expected


def test_code_and_block_hold_backticks() -> None:
    assert code("a`b") == "``a`b``"
    assert code("``") == "``` `` ```"
    assert code("a\n\n b") == "`a b`"
    assert code(" \n") == ""
    assert block("````\nx", "text") == "`````text\n````\nx\n`````"


def test_headline() -> None:
    fails, fine, no_load = realistic().files
    static = replace(fine, smoke=STATIC_ONLY)
    warned = replace(fine, findings=(no_load.findings[1],))
    not_run = replace(fine, smoke=Smoke(Verdict.NOT_RUN, clean_line("no reference")))
    assert headline(Report((no_load, no_load, fine))) == "2 of 3 pipelines will not load for other people"
    assert headline(Report((no_load,))) == "The pipeline will not load for other people"
    assert headline(Report((fails, warned, warned))) == "1 of 3 pipelines loads but fails when used, 2 have warnings"
    assert headline(Report((warned, fine))) == "1 of 2 pipelines has warnings"
    assert headline(Report((not_run,))) == "The pipeline could not be run here"
    assert headline(Report((fine, fine))) == "All 2 pipelines load, run and save"
    assert headline(Report((fine,))) == "The pipeline loads, runs and saves"
    assert headline(Report((static, fine))) == "All 2 pipelines pass the static check"
    assert headline(Report(())) == "No pipeline was checked"


def test_all_green_is_short() -> None:
    fine = realistic().files[1]
    text = render(Report((fine, fine, fine), rules=25))
    assert text.startswith("### ✅ All 3 pipelines load, run and save\n\n| File |")
    assert len(text.splitlines()) == 9
    assert next_step(Report((fine,))) == ""


def test_snapshot() -> None:
    """One as it comes: `python tests/reports.py` writes it anew."""
    assert snapshots()["report.md"] == (SNAPSHOTS / "report.md").read_text(encoding="utf-8")


def test_what_the_author_can_add() -> None:
    file = replace(realistic().files[0], smoke=replace(realistic().files[0].smoke, verdict=Verdict.NOT_RUN, frames=()))
    assert "# /// cpipe-check" in details(file)
    assert "--explain CP501" in details(file)
    unserved = replace(file, smoke=replace(file.smoke, unserved=True))
    assert "# /// cpipe-check" not in details(unserved)
    assert "not about the file" in details(unserved)
    assert "Not run" not in details(replace(file, smoke=STATIC_ONLY))


def test_whose_word_it_is() -> None:
    file = realistic().files[0]
    assert "It ran in bwrap, as reported by the file's own process." in details(file)
    assert "It ran in bwrap, as the pull request's own run says." in details(
        file, smoke_basis="as the pull request's own run says"
    )


def test_before() -> None:
    file = realistic().files[0]
    older = replace(
        file.compatibility,
        ranges={"diffusers": (LoadRange(*map(clean_line, ("0.1", "0.2")), True, *[clean_line("")] * 2, False),)},
    )
    for before, expected in (
        ({file.path: older}, "| 0.1 - 0.2 |"),
        ({file.path: file.compatibility}, "| the same |"),
        ({file.path: Compatibility(False)}, "| **none** |"),
        ({file.path: None}, "| new file |"),
        ({}, "| new file |"),
    ):
        text = table([file], before)
        assert "| Before |" in text
        assert expected in text
    assert "Before" not in table([file])


def test_loads_nowhere_when_it_cannot_be_made() -> None:
    file = replace(realistic().files[1], findings=(replace(realistic().files[2].findings[0], breaks="init"),))
    assert "| **none**, `__init__` fails |" in table([file])
    assert "it is found, but making it fails" in details(file)
    assert headline(Report((file,))) == "The pipeline will not load for other people"


def test_worst_first() -> None:
    rows = table(realistic().files).splitlines()[2:]
    assert [re.findall(r"\w+\.py", row)[0] for row in rows] == ["my_upscaler.py", "sharpen.py", "one_step.py"]


def test_very_many() -> None:
    """1,000 findings in each of 60 files: the worst are shown, and how many are not."""
    no_load = realistic().files[2]
    many = replace(no_load, findings=(no_load.findings[1],) * 999 + no_load.findings[:1])
    text = render(Report((many,) * 60))
    assert len(text) < 1 << 20
    assert "**And 960 more findings**" in text
    assert "**And 40 more files**" in text
    assert text.index("**Line 3:") < text.index("**Line 11:")
    assert "And 20 more files, none worse than those." in table([many] * 120)
    assert Page(text).elements
    long = clean("x@y " * 500)
    huge = render(filled(lambda name: long))
    assert len(huge) < 100_000


def test_no_file_and_problems() -> None:
    text = render(Report((), ((clean_line("a.py"), clean_line("no class")),), (clean_line("`x`: no such file"),)))
    assert text.startswith("### ⚠️ No pipeline was checked\n\n- `x`: no such file\n\n<details>")
    assert Page(render(Report(()))).text.startswith("⚠️ No pipeline was checked")


def test_counts() -> None:
    file = realistic().files[2]
    infos = replace(file, findings=(replace(file.findings[0], severity=Severity.INFO),) * 2)
    assert "| 2 infos |" in table([infos])
    assert "| 1 error, 1 warning |" in table([file])
