"""The workflow commands, as GitHub's runner parses them: those that are meant and no others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PIPELINES
from cpipe_check.cli import FORMATS
from cpipe_check.finding import Severity, Span
from cpipe_check.report import RENDERERS
from cpipe_check.report.model import Report, Verdict
from cpipe_check.text import clean, clean_line
from reports import HOSTILE, filled, realistic


@dataclass(frozen=True)
class Command:
    name: str
    properties: dict[str, str]
    data: str


def unescaped(text: str, property_: bool = False) -> str:
    pairs = [("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if property_ else []), ("%25", "%")]
    for escape, character in pairs:
        text = text.replace(escape, character)
    return text


def parse(line: str) -> Command | None:
    """As the runner does: `::name key=value,...::data` begins a trimmed line, `##[name ...]data` stands anywhere."""
    line = line.strip()
    if line.startswith("::") and "::" in line[2:]:
        head, _, data = line[2:].partition("::")
        name, _, rest = head.partition(" ")
        pairs = [part.split("=", 1) for part in rest.strip().split(",") if "=" in part]
        return Command(name, {k: unescaped(v, True) for k, v in pairs if v}, unescaped(data))
    if "##[" in line and "]" in line.partition("##[")[2]:
        return Command(line.partition("##[")[2].partition("]")[0], {}, "")
    return None


def commands(text: str) -> list[Command]:
    return list(filter(None, map(parse, text.splitlines())))


def render(report: Report) -> str:
    return RENDERERS["github"](report, False)


def test_the_formats_are_the_renderers() -> None:
    assert tuple(RENDERERS) == FORMATS


def test_realistic() -> None:
    lines = render(realistic()).splitlines()
    assert lines == [
        "::error file=examples/community/sharpen.py,title=smoke-load failed,line=17::in call: AttributeError: "
        "'Sharpener' object has no attribute 'vea'%0Aat: return self.vea.decode(image).sample",
        "::error file=examples/community/my_upscaler.py,line=3,endLine=3,col=6,endColumn=51,"
        "title=CP301 module-missing::`diffusers.pipelines.controlnet.multicontrolnet` was removed in diffusers 0.41.0"
        "%0Aloading fails with: ModuleNotFoundError: No module named 'diffusers.pipelines.controlnet.multicontrolnet'"
        "%0Afix: write `from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel`"
        "   (0.32.0 and newer)",
        "::warning file=examples/community/my_upscaler.py,line=11,endLine=11,col=9,endColumn=16,"
        "title=CP402 no-grad-missing::`__call__` runs without `torch.no_grad()`%0A"
        "help: put `@torch.no_grad()` on the line above",
        "cpipe-check: 1 of 3 pipelines will not load for other people, 1 loads but fails when used",
    ]


def check_inert(report: Report, text: str) -> None:
    """The commands are those of a harmless report of the same shape, with the hostile text where they mean it."""
    made, meant = commands(text), commands(render(filled(lambda name: "harmless")))
    assert [(c.name, list(c.properties)) for c in made] == [(c.name, list(c.properties)) for c in meant]
    assert len(text.splitlines()) == len(meant) + 1
    file = report.files[0]
    placed = [command for command in made if "file" in command.properties]
    assert {spaceless(c.properties["file"]) for c in placed} == {spaceless(file.path)}
    for command in made:
        for value in (*command.properties.values(), command.data):
            # The runner logs it, and takes nothing in its own log for a command either.
            assert not commands(value)
    assert spaceless(file.findings[0].message) in spaceless(placed[1].data)


def spaceless(text: str) -> str:
    """Commands are taken apart by a space within."""
    return text.replace(" ", "")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("form", ["x{name} {text} {name}x", "{text}"])
def test_hostile_text_is_inert(text: str, form: str) -> None:
    report = filled(lambda name: form.format(name=name, text=text))
    check_inert(report, render(report))


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from(":#[]%=,\r\n 0ADx3C25error\u2028\x0b\x85"), min_size=1, max_size=30))
def test_any_text_is_inert(text: str) -> None:
    report = filled(lambda name: f"x{text}x")
    check_inert(report, render(report))


def test_worst_first_and_how_many_more() -> None:
    file = realistic().files[2]
    error, warning = file.findings
    info = replace(warning, severity=Severity.INFO)
    report = Report((replace(file, findings=(info, warning, error) * 12),))
    *lines, summary = render(report).splitlines()
    assert [parse(line).name for line in lines] == ["error"] * 12 + ["warning"] * 12 + ["notice"] * 12
    assert summary.endswith(
        "; GitHub shows 10 of a kind for a step, and there are 2 more errors, 2 more warnings, 2 more notices"
    )


def test_a_log_is_not_flooded() -> None:
    file = realistic().files[2]
    lines = render(Report((replace(file, findings=file.findings * 1000),) * 60)).splitlines()
    assert len(lines) == 1001
    assert {parse(line).name for line in lines[:-1]} == {"error"}
    assert "59990 more errors, 59990 more warnings" in lines[-1]


@pytest.mark.parametrize(
    ("span", "columns"),
    [
        (Span(2, 3, 2, 9), {"line": "2", "endLine": "2", "col": "3", "endColumn": "8"}),
        (Span(2, 3, 4, 9), {"line": "2", "endLine": "4"}),
        (Span(1, 1, 1, 1), {"line": "1", "endLine": "1", "col": "1"}),
    ],
)
def test_columns_stay_within_a_line(span: Span, columns: dict[str, str]) -> None:
    file = realistic().files[2]
    report = Report((replace(file, findings=(replace(file.findings[0], span=span),)),))
    (command,) = commands(render(report))
    assert {k: v for k, v in command.properties.items() if k not in ("file", "title")} == columns


def test_nothing_and_problems() -> None:
    assert render(Report((realistic().files[1],))) == "cpipe-check: The pipeline loads, runs and saves\n"
    text = render(Report((), problems=(clean_line("a%b.py: no such file"),)))
    assert text == "::error title=cpipe-check::a%25b.py: no such file\ncpipe-check: No pipeline was checked\n"
    no_frames = replace(realistic().files[0].smoke, frames=(), reason=clean("in load: killed"))
    (command,) = commands(render(Report((replace(realistic().files[0], smoke=no_frames),))))
    assert (command.name, command.data) == ("error", "in load: killed")
    assert "line" not in command.properties
    assert no_frames.verdict is Verdict.FAILED


def test_command_writes_it(command, tmp_path: Path) -> None:
    done = command("--static", "--output-format", "github", PIPELINES / "broken" / "module_missing.py")
    assert done.code == 1
    assert [(c.name, c.properties["title"]) for c in commands(done.out)] == [("error", "CP301 module-missing")]
