"""The part of a file's Markdown report that is folded away: how its verdicts came about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cpipe_check.report.markdown import cell, code, folded, inline, prose
from cpipe_check.report.model import Compatibility, Component, FileReport, Isolation, Smoke, Stage
from cpipe_check.report.outcome import breaks
from cpipe_check.report.wording import basis, releases, where

_MOST = 20


def folds(file: FileReport, smoke_basis: str | None) -> Iterator[str]:
    """Yield a fold for the releases on which the file loads, and one for how it was run, where there is any."""
    releases_told = [*_target(file), *_ranges(file.compatibility)]
    if releases_told:
        yield folded("On which releases it loads, and why not on others", "\n".join(releases_told))
    smoke = file.smoke
    if smoke.isolation.name or smoke.stages:
        blocks = (
            _list("Notes, which are no failures", [f"in {inline(n.stage)}: {prose(n.text)}" for n in smoke.notices]),
            _list("Run with", _setting(file)),
            _list("How the reference was chosen", [prose(choice) for choice in smoke.choices]),
            _list("What was tried before", [f"{prose(a.why)}, so {prose(a.tried)}" for a in smoke.attempts]),
            _stages(smoke),
            _isolation(smoke.isolation, smoke_basis),
        )
        yield folded("How it was run", *filter(None, blocks))


def rooms(files: Sequence[FileReport]) -> list[str]:
    """Return in what smoke-loads were run, each once, and whose word that is."""
    found = (file.smoke.isolation for file in files if file.smoke.isolation.name)
    return list(dict.fromkeys(f"{inline(where(each))}, {basis(each)}" for each in found))


def _list(name: str, items: Sequence[str]) -> str:
    more = [f"and {len(items) - _MOST} more"] if len(items) > _MOST else []
    return "\n".join([f"**{name}**\n", *(f"- {item}" for item in [*items[:_MOST], *more])]) if items else ""


def _target(file: FileReport) -> Iterator[str]:
    compatibility = file.compatibility
    named = (("diffusers", compatibility.diffusers), ("transformers", compatibility.transformers))
    judged = [f"{library} {inline(release)}" for library, release in named if release]
    if judged:
        loads = {True: "it loads", False: "it does not load", None: "cannot tell whether it loads"}
        told = "it is found, but making it fails" if "init" in breaks(file) else loads[compatibility.loads]
        yield f"- On {' and '.join(judged)} {told}."


def _ranges(compatibility: Compatibility) -> Iterator[str]:
    for library, found in compatibility.ranges.items():
        for run in found[:_MOST]:
            loads = "loads on" if run.loads else "perhaps loads on"
            text = f"- {loads} {inline(library)} {inline(releases(run))}"
            text += " (one release of every minor is known)" if run.sampled else ""
            text += f"; not before: {prose(run.before)}" if run.before else ""
            yield text + (f"; not after: {prose(run.after)}" if run.after else "")
    if compatibility.others:
        yield f"- counted as installed: {', '.join(map(code, compatibility.others[:_MOST]))}"


def _setting(file: FileReport) -> list[str]:
    smoke = file.smoke
    named = (("reference", smoke.reference), ("device", smoke.device))
    items = [f"{name}: {prose(text)}" for name, text in named if text]
    if file.components:
        items.append(f"components: {', '.join(map(_component, file.components[:_MOST]))}")
    if smoke.output:
        items.append(f"the call returned {prose(smoke.output)}")
    return items


def _component(component: Component) -> str:
    kind = f" {code(component.type)}" if component.type else ""
    remarks = ["optional"] if not component.required else []
    remarks += ["not registered"] if component.registered is False else []
    return code(component.name) + kind + (f" ({', '.join(remarks)})" if remarks else "")


def _stages(smoke: Smoke) -> str:
    if not smoke.stages:
        return ""
    rows = ["| Stage | Seconds | Peak memory | Outcome |", "| --- | ---: | ---: | --- |"]
    for stage in smoke.stages[: 2 * _MOST]:
        ending = "ok" if stage.ok else "**failed**"
        rows.append(f"| {cell(inline(stage.name))} | {stage.seconds:.2f} | {_memory(stage)} | {ending} |")
    return "\n".join(rows)


def _memory(stage: Stage) -> str:
    host = f"{stage.memory / (1 << 20):.0f} MB" if stage.memory else ""
    device = f"{stage.device_memory / (1 << 20):.0f} MB on the device" if stage.device_memory else ""
    return ", ".join(part for part in (host, device) if part) or "unknown"


def _isolation(isolation: Isolation, smoke_basis: str | None) -> str:
    if not isolation.name:
        return ""
    text = f"It ran {inline(where(isolation))}, {smoke_basis or basis(isolation)}."
    if isolation.name != "none":
        named = (("Proven", isolation.proven), ("Not proven", isolation.not_proven))
        text += "".join(f" {name}: {', '.join(map(prose, facts))}." for name, facts in named if facts)
    return text
