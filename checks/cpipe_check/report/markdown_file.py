"""One file's part of the Markdown report."""

from __future__ import annotations

from collections.abc import Iterator

from cpipe_check.finding import Finding, Severity
from cpipe_check.report import markdown_fold
from cpipe_check.report.code_frame import excerpt
from cpipe_check.report.markdown import block, code, inline, prose
from cpipe_check.report.mended import mended
from cpipe_check.report.model import STATIC_ONLY, FileReport, Smoke, Verdict
from cpipe_check.report.wording import FAILS
from cpipe_check.text import shortened

_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "💡"}
_IN_FULL = 10
_IN_SHORT = 40
_MAX_FRAMES = 10
_RECIPE = """\
# /// cpipe-check
# reference = "stable-diffusion"
# packages = ["einops>=0.7"]
# call = {prompt = "a cat", num_inference_steps = 3}
# ///"""


def details(file: FileReport, *, smoke_basis: str | None = None) -> str:
    """Return what there is to say of one file: what is wrong and how to mend it, and folded how it was found out.

    `smoke_basis` says whose word the smoke-load's verdict is, where it is not that of who ran it.
    """
    name = f" · {code(file.pipeline_class)}" if file.pipeline_class else ""
    blocks = [f"#### {code(file.path)}{name}", *_findings(file)]
    if file.unknown:
        blocks.append(f"❔ **The static check cannot tell:** {prose(file.unknown)}")
    blocks += [*_smoke(file), *markdown_fold.folds(file, smoke_basis)]
    return "\n\n".join(blocks)


def _findings(file: FileReport) -> Iterator[str]:
    order = list(Severity)
    found = sorted(file.findings, key=lambda finding: order.index(finding.severity))
    for finding in found[:_IN_FULL]:
        yield from _finding(file, finding)
    short = found[_IN_FULL:_IN_SHORT]
    if short:
        yield "\n".join(f"- line {f.span.line}: {prose(f.message)} · {inline(f.code)}" for f in short)
    if len(found) > _IN_SHORT:
        yield f"**And {len(found) - _IN_SHORT} more findings**, which `cpipe-check` lists."


def _finding(file: FileReport, finding: Finding) -> Iterator[str]:
    place = f"Line {finding.span.line}: {prose(finding.message)}".rstrip()
    yield f"{_SIGNS[finding.severity]} **{place}** · {inline(finding.code)} {inline(finding.name)}"
    source = file.lines.get(finding.span.line, "")
    yield from _code_frame(source, finding)
    if finding.consequence:
        fails = prose(FAILS.get(finding.breaks, "it"))
        yield f"**What a user will see:** {fails} fails with {code(finding.consequence)}"
    if finding.advice:
        yield f"**Fix:** {prose(finding.advice)}"
    after = mended(source, finding)
    if after is not None:
        yield block("\n".join([f"- {source}", *(f"+ {line}" for line in after)]), "diff")


def _code_frame(source: str, finding: Finding) -> Iterator[str]:
    shown = excerpt(source, finding.span)
    if shown is None:
        if finding.label:
            yield prose(finding.label)
        return
    number = str(finding.span.line)
    marks = " " * len(shown.before) + "^" * max(1, len(shown.marked))
    label = shortened(finding.label.replace("\n", " "))
    yield block(
        f"{number} | {shown.before}{shown.marked}{shown.after}\n{' ' * len(number)} | {marks} {label}".rstrip(), "text"
    )


def _smoke(file: FileReport) -> Iterator[str]:
    smoke = file.smoke
    if smoke.verdict is Verdict.FAILED:
        yield f"❌ **Smoke-load failed** {prose(smoke.reason)}"
        if smoke.frames:
            frames = smoke.frames[:_MAX_FRAMES]
            path = shortened(file.path.replace("\n", " "))
            lines = (f"{path}:{f.line} in {shortened(f.function)}\n    {shortened(f.code.strip())}" for f in frames)
            yield f"Where, in your own file, innermost first:\n\n{block(chr(10).join(lines), 'text')}"
    elif smoke.verdict is Verdict.NOT_RUN and smoke != STATIC_ONLY:
        broken = any(finding.breaks for finding in file.findings)
        yield f"{'' if broken else '❔ '}**Not run:** {prose(smoke.reason)}"
        yield from _help(smoke)


def _help(smoke: Smoke) -> Iterator[str]:
    """What the author can add: where it got as far as to try, that is what the file does not tell."""
    if smoke.unserved:
        yield "That is about the machine that checks it, not about the file."
    elif smoke.isolation.name:
        yield (
            "That is no fault, but the file does not tell enough of how to run it. You can tell it in comments at the "
            "top of the file, such as these; `cpipe-check --explain CP501` says what can stand there.\n\n"
            + block(_RECIPE, "python")
        )
