"""Reports for the tests of the renderers: one with a text wherever the model takes one, and one as a user meets it.

Run as a program it writes the snapshots anew.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from cpipe_check import __version__
from cpipe_check.finding import Edit, Finding, Fix, Severity, Span
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report import RENDERERS
from cpipe_check.report.model import (
    Attempt,
    Compatibility,
    Component,
    FileReport,
    Frame,
    Isolation,
    Notice,
    Report,
    Smoke,
    Stage,
    Verdict,
)
from cpipe_check.selection import FailOn
from cpipe_check.text import CleanText, clean, clean_line

SNAPSHOTS = Path(__file__).parent / "data"
Text = Callable[[str], str]
HOSTILE = {
    "mention": "@octocat and @octo-org/team-1",
    "mention in the middle": "(@octocat), x@octocat",
    "reference": "#123 GH-1 octo/repo#1 fixes #1, closes octo/repo@deadbeef1",
    "commit": "a5c3785ed8d6a35868bc169f07e40e889087fd2e deadbee 1234567",
    "address": "http://evil.example https://evil.example/x www.evil.example ftp://evil.example",
    "touching address": "www.`evil.example` http:`//evil.example` mailto:`a@b.example`",
    "mail": "somebody@evil.example mailto:somebody@evil.example xmpp:a@b.c/d",
    "autolink": "<https://evil.example> <somebody@evil.example>",
    "link": "[click](https://evil.example) [ref]: https://evil.example [a][b]",
    "image": "![x](https://evil.example/x.png) !`x`",
    "tag": "<b>bold</b> <img src=x onerror=alert(1)> <script>alert(1)</script>",
    "comment": "<!-- cpipe-check --> -- <!-- <![CDATA[ x ]]> <?php ?>",
    "closing": "</summary></details></td></table></sub> <details open>",
    "heading": "# Heading ## two",
    "heading below": "one\n===\ntwo\n---\n# three",
    "list": "- one * two + three 1. four 2) five",
    "list of lines": "x\n\n- one\n- two\n\n1. three\n\n> four",
    "table": "a | b || c \\| d \\\\| e | --- |",
    "rows": "|\n| --- | --- |\n| a | b |",
    "task": "[ ] todo [x] done",
    "tasks": "- [ ] todo\n- [x] done",
    "emoji": ":tada: :+1: :octocat: a:b:c",
    "math": "$x$ $$y$$ $`z`$ \\(x\\) \\[y\\]",
    "footnote": "[^1] [^1]: note",
    "emphasis": "*a* _b_ **c** __d__ ~~e~~ ~f~",
    "code": "`a` ``b`` ```c``` `",
    "odd code": "it is `x",
    "touching code": "a`b`c `@x`@octocat `#`#1 $`x`$ :`x`: \\`x\\`",
    "fence": "```\n# out\n~~~~\n`````python\nx",
    "suggestion": "```suggestion\nrm -rf\n```",
    "mermaid": "```mermaid\ngraph TD\n```",
    "quote": "> quote >> more",
    "indented": "\n\n    indented\n\ttab",
    "break": "one  \ntwo\\\nthree<br>four",
    "entity": "&lt;b&gt; &#64;octocat &commat;octocat &colon;tada&colon;",
    "escape": "\\@octocat \\<b\\> \\`x\\` \\",
    "rule": "--- *** ___ ===",
    "html block": "x\n\n<div>\n\n<details>\n",
    "command": "\n::error::x\n::set-output name=a::b ##[group]x\r::warning::y",
    "percent": "%0A::error::x %25%0D%3A%2C",
    "properties": "a,line=7,title=x::y:z",
    "control": "\x1b[31m\u202e\x00 \x85",
    "placeholder": "{0} {1} [text](0) \\[a\\]",
    "letters": "é 漢字 ❤ · … “quoted” it's one-step, (yes) 0.42.1!",
}


def filled(text: Text) -> Report:
    """A report in which every text of the model is what `text` makes of its field's name."""
    report = _filled(Report, "", text)
    file = report.files[0]
    smoke = replace(file.smoke, verdict=Verdict.FAILED, unserved=False, stages=_stages(file.smoke.stages[0], False))
    findings = tuple(replace(file.findings[0], severity=severity) for severity in Severity)
    failed = replace(file, smoke=smoke, findings=findings)
    ran = replace(file, smoke=replace(smoke, verdict=Verdict.RAN, stages=_stages(smoke.stages[0], True)), findings=())
    not_run = replace(file, smoke=replace(smoke, verdict=Verdict.NOT_RUN), findings=())
    unserved = replace(not_run, smoke=replace(not_run.smoke, unserved=True), unknown=clean(""))
    return replace(report, files=(failed, ran, not_run, unserved))


def _stages(stage: Stage, ok: bool) -> tuple[Stage, ...]:
    return (replace(stage, ok=True), replace(stage, ok=ok))


def _filled(kind: Any, name: str, text: Text) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is str and name == "text":
        # An edit's, which is code and not cleaned.
        return text(name)
    if kind == FailOn:
        return "warning"
    if kind in (CleanText, str) or origin is Literal:
        return clean(text(name))
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: _filled(hints[field.name], field.name, text) for field in fields(kind)})
    if origin is tuple:
        kinds = arguments[:1] if arguments[-1] is ... else arguments
        return tuple(_filled(each, f"{name}{i or ''}", text) for i, each in enumerate(kinds))
    if origin is Mapping:
        key = 1 if arguments[0] is int else "diffusers"
        return {key: _filled(arguments[1], name, text)}
    if origin in (typing.Union, types.UnionType):
        return _filled(arguments[0], name, text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    return {bool: True, int: 1, float: 1.0, bytes: b""}[kind]


def names() -> set[str]:
    """The fields that `filled` asks a text for."""
    found: set[str] = set()

    def note(name: str) -> str:
        found.add(name)
        return name

    filled(note)
    return found


def realistic() -> Report:
    """Three files as pull requests have them: one that does not load, one that fails when called, one that is fine."""
    return Report((_fails(), _fine(), _does_not_load()), rules=25)


def _c(text: str) -> CleanText:
    return clean_line(text)


def _range(first: str, last: str, before: str = "", after: str = "") -> LoadRange:
    return LoadRange(_c(first), _c(last), True, _c(before), _c(after), False)


def _compatibility(loads: bool, run: LoadRange) -> Compatibility:
    return Compatibility(loads, _c("0.42.1"), _c("5.23.0"), {"diffusers": (run,)}, (_c("einops"),))


def _does_not_load() -> FileReport:
    gone = "no module `diffusers.pipelines.controlnet.multicontrolnet`"
    source = "from diffusers.pipelines.controlnet.multicontrolnet import MultiControlNetModel"
    better = "from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel"
    missing = Finding(
        "CP301",
        "module-missing",
        Severity.ERROR,
        _c("`diffusers.pipelines.controlnet.multicontrolnet` was removed in diffusers 0.41.0"),
        Span(3, 6, 3, 52),
        _c("only in 0.17.0 - 0.40.0"),
        "load",
        _c("ModuleNotFoundError: No module named 'diffusers.pipelines.controlnet.multicontrolnet'"),
        _c(f"write `{better}`   (0.32.0 and newer)"),
        Fix(_c(f"write `{better}`"), (Edit(Span(3, 1, 3, 80), better),)),
    )
    gradients = Finding(
        "CP402",
        "no-grad-missing",
        Severity.WARNING,
        _c("`__call__` runs without `torch.no_grad()`"),
        Span(11, 9, 11, 17),
        _c("every step's intermediate results stay in memory"),
        advice=_c("put `@torch.no_grad()` on the line above"),
    )
    return FileReport(
        _c("examples/community/my_upscaler.py"),
        _c("MyUpscaler"),
        (Component(_c("unet"), None, True, True), Component(_c("scheduler"), None, True, True)),
        _c(""),
        (missing, gradients),
        _compatibility(False, _range("0.17.0", "0.40.0", gone, gone)),
        Smoke(Verdict.NOT_RUN, _c("CP301 shows that it cannot load")),
        {3: _c(source), 11: _c("    def __call__(self, x):")},
    )


_ROOM = Isolation(_c("bwrap"), (_c("reads"), _c("writes"), _c("network")))


def _fails() -> FileReport:
    stages = (Stage("reference", 0.05, True, 376 << 20), Stage("import", 0.01, True, 376 << 20))
    smoke = Smoke(
        Verdict.FAILED,
        _c("in call: AttributeError: 'Sharpener' object has no attribute 'vea'"),
        _c("tiny ddpm reference"),
        _c("cpu"),
        (*stages, Stage("load", 0.1, True, 380 << 20), Stage("call", 0.02, False, 381 << 20)),
        (
            Frame(17, _c("decode"), _c("return self.vea.decode(image).sample")),
            Frame(14, _c("__call__"), _c("return self.decode(image)")),
        ),
        isolation=_ROOM,
        choices=(_c("unet: UNet2DModel (its type hint)"),),
        attempts=(Attempt(_c("ValueError: `height` has to be divisible by 8"), _c("with height 64")),),
        notices=(Notice("call", _c("FutureWarning: `scale` is deprecated")),),
    )
    return FileReport(
        _c("examples/community/sharpen.py"),
        _c("Sharpener"),
        (Component(_c("unet"), _c("UNet2DModel"), True, True),),
        _c(""),
        (),
        _compatibility(True, _range("0.12.0", "0.42.1", "`diffusers` has no `ImagePipelineOutput`")),
        smoke,
    )


def _fine() -> FileReport:
    stages = (Stage("load", 0.25, True, 380 << 20), Stage("call", 0.5, True, 381 << 20))
    smoke = Smoke(Verdict.RAN, _c(""), _c("tiny ddpm reference"), _c("cpu"), stages, isolation=_ROOM)
    run = _compatibility(True, _range("0.4.0", "0.42.1"))
    return FileReport(_c("examples/community/one_step.py"), _c("OneStep"), (), _c(""), (), run, smoke)


def snapshots() -> dict[str, str]:
    """The realistic report by the snapshot's name, without what changes from release to release."""
    shown = {"report.md": RENDERERS["markdown"](realistic(), False)}
    log = json.loads(RENDERERS["sarif"](realistic(), False))
    log["runs"][0]["tool"]["driver"]["rules"] = []
    shown["report.sarif"] = json.dumps(log, indent=1) + "\n"
    return {name: text.replace(__version__, "0.0.0") for name, text in shown.items()}


if __name__ == "__main__":
    for name, text in snapshots().items():
        (SNAPSHOTS / name).write_text(text, encoding="utf-8")
