"""The checker: submissions in, report out."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from cpipe_check import pipeline_file
from cpipe_check.api_index.target import LIBRARIES, Target, resolve
from cpipe_check.config import NO_RECIPES, Recipes
from cpipe_check.finding import Finding
from cpipe_check.machine import usable_cpus
from cpipe_check.noqa import unsilenced
from cpipe_check.pipeline_file import PipelineFile, compatibility
from cpipe_check.pipeline_file.parsing import with_deep_stack
from cpipe_check.pipeline_file.repository import Repository, repository_of
from cpipe_check.progress import Step
from cpipe_check.report.model import STATIC_ONLY, Compatibility, Component, FileReport, Report, Smoke, Verdict
from cpipe_check.rules import RULES
from cpipe_check.selection import EVERYTHING, Selection
from cpipe_check.smoke.pool import LoadAll, load_of, smoke_load_all
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.smoke.target import SmokeTarget, target_of
from cpipe_check.static import every_finding
from cpipe_check.submission import Collection, Submission
from cpipe_check.text import clean_line, clean_source_line
from cpipe_check.workers import FORKS, Limits, Lost, in_workers

_Result = TypeVar("_Result")
# Starting a second process costs about as much as checking this many files.
_WORTH_A_POOL = 6
_UNREAD = "too deeply nested for our parser"
_TOO_LARGE = "needs more memory than there is"
STATIC_LIMITS = Limits(seconds=20, memory=2 << 30)


@dataclass(frozen=True, slots=True)
class StaticResult:
    """What the static check of one submission came to.

    `unknown` says why it cannot tell which class the loader would pick, "" when it can. `target` is None when there is
    nothing to smoke-load, for the reason in `why_no_target`. `by_bug` is True when the check itself failed. Text is as
    the file has it: `_file_report` cleans it.
    """

    pipeline_class: str | None
    components: tuple[Component, ...]
    findings: tuple[Finding, ...]
    lines: dict[int, str]
    defines_pipeline: bool
    unknown: str
    compatibility: Compatibility
    target: SmokeTarget | None = None
    why_no_target: str = ""
    by_bug: bool = False


# Told each step of a run as it begins, by any thread.
Progress = Callable[[Step], None]


def _silent(step: Step) -> None:
    """The progress of a run that nobody watches."""


def check_static(
    submission: Submission,
    target: Target,
    recipes: Recipes = NO_RECIPES,
    selection: Selection = EVERYTHING,
    *,
    for_smoke: bool = False,
) -> StaticResult:
    """Check one submission for a target, running none of it. Never raises for what the file holds.

    With `for_smoke` its author's example is looked for as well, for the smoke-load to follow. A finding that is
    silenced, or whose rule is not selected, counts for the verdict on loading alone: the file may be smoke-loaded.

    There are no limits of time and memory here: `check` sets them, in processes of their own.
    """
    try:
        return _deep_check(submission, target, recipes, selection, for_smoke)
    except MemoryError:
        return _cannot_tell(submission, f"the static check {_TOO_LARGE}")


def _deep_check(
    submission: Submission, target: Target, recipes: Recipes, selection: Selection, for_smoke: bool
) -> StaticResult:
    try:
        return with_deep_stack(lambda: _check_static(submission, target, recipes, selection, for_smoke))
    except RecursionError:
        return _cannot_tell(submission, _UNREAD)


def _cannot_tell(submission: Submission, why: str) -> StaticResult:
    defines_pipeline = b"Pipeline" in submission.content
    return StaticResult(None, (), (), {}, defines_pipeline, why, Compatibility(), why_no_target=f"cannot tell: {why}")


def _check_static(
    submission: Submission, target: Target, recipes: Recipes, selection: Selection, for_smoke: bool
) -> StaticResult:
    given = recipes.table_for(submission.path)
    file = pipeline_file.read(
        submission.name,
        submission.content,
        submission.read_sibling,
        target,
        given,
        submission.read_readmes,
        _repository(submission),
    )
    everything = every_finding(file)
    found = tuple(f for f in unsilenced(file, everything) if selection.takes(f.code))
    unknown = _unknown(file, [f for f in everything if f not in found])
    lines = file.source.split("\n")
    smoke_target, why = target_of(file, found, unknown) if for_smoke else (None, "")
    return StaticResult(
        pipeline_class=file.pipeline_class.name if file.pipeline_class else None,
        components=_components(file),
        findings=found,
        lines={f.span.line: lines[f.span.line - 1] for f in found if f.span.line <= len(lines)},
        defines_pipeline=file.defines_pipeline,
        unknown=unknown,
        compatibility=_compatibility(file, target, everything),
        target=smoke_target,
        why_no_target=why,
    )


def _repository(submission: Submission) -> Repository | None:
    files = submission.repository
    return None if files is None else repository_of(files.names, files.index, files.complete)


def _compatibility(file: PipelineFile, target: Target, found: Sequence[Finding]) -> Compatibility:
    """The verdict on loading; an error of any rule that breaks loading has the last word."""
    versioned = {rule.code for rule in RULES if rule.versioned}
    broken = [finding for finding in found if finding.breaks == "load"]
    possible = all(finding.code in versioned for finding in broken)
    return Compatibility(
        loads=False if broken else compatibility.loads(file),
        diffusers=clean_line(str(target.diffusers)),
        transformers=clean_line(str(target.transformers)),
        ranges={library: compatibility.ranges(file, library, possible) for library in LIBRARIES},
        others=tuple(map(clean_line, compatibility.other_packages(file))),
    )


def _unknown(file: PipelineFile, unheard: Sequence[Finding]) -> str:
    if file.pipeline_class is not None:
        return ""
    for finding in unheard:
        if finding.breaks == "load":
            return f"{finding.code} is silenced"
    return _UNREAD if file.namespace is None else "which class the loader would pick is not clear from the text"


def _components(file: PipelineFile) -> tuple[Component, ...]:
    """The parameters that `from_pretrained` takes for components: those required, and those registered."""
    facts = file.init_facts
    if facts is None:
        return ()
    registered = frozenset(name for r in facts.modules for name, _ in r.keywords)
    unsure = any(r.hides_more for r in facts.modules) or (facts.calls_base_init and not (file.init and file.init.plain))
    return tuple(
        Component(
            clean_line(p.name),
            None if p.annotation is None else clean_line(p.annotation),
            p.required,
            True if p.name in registered else None if unsure else False,
        )
        for p in facts.function.parameters
        if p.kind in ("positional", "keyword") and (p.required or p.name in registered)
    )


def check(
    collection: Collection,
    smoke: SmokeOptions | None = None,
    tell: Progress = _silent,
    target: Target | None = None,
    recipes: Recipes = NO_RECIPES,
    selection: Selection = EVERYTHING,
    load_all: LoadAll = smoke_load_all,
) -> Report:
    """Check every submission of a collection: statically, and unless `smoke` is None by smoke-loading it.

    Without a `target` the static check is for the releases that are installed, or the newest known. `recipes` are
    those that stand outside the files, `selection` says whose findings count. `load_all` does the smoke-loads. Returns
    the report. Never raises for what a file holds.

    Raises:
        ApiIndexError: when there is no target and the index is broken.
        Exception: what `load_all` raises.
    """
    target = target or resolve()
    skipped = list(collection.skipped)
    checked: list[tuple[Submission, StaticResult]] = []
    total = len(collection.submissions)
    results = _static_results(collection.submissions, target, recipes, selection, smoke is not None)
    for done, (submission, static) in enumerate(results):
        tell(Step("static check", done, total, submission.name, ""))
        if submission.discovered and not static.defines_pipeline:
            skipped.append((clean_line(submission.path), clean_line("defines no pipeline class")))
        else:
            checked.append((submission, static))
    smokes = _smokes(checked, smoke, tell, load_all)
    files = [_file_report(*pair, outcome) for pair, outcome in zip(checked, smokes, strict=True)]
    problems = list(collection.problems)
    if not files and not problems:
        problems.append(clean_line("no pipeline files in what was given"))
    rules = sum(selection.takes(rule.code) for rule in RULES)
    return Report(tuple(files), tuple(skipped), tuple(problems), rules, selection.fail_on)


def _file_report(submission: Submission, static: StaticResult, smoke: Smoke) -> FileReport:
    return FileReport(
        path=clean_line(submission.path),
        pipeline_class=None if static.pipeline_class is None else clean_line(static.pipeline_class),
        components=static.components,
        unknown=clean_line(static.unknown),
        compatibility=static.compatibility,
        findings=static.findings,
        smoke=smoke,
        lines={number: clean_source_line(line) for number, line in static.lines.items()},
    )


def _smokes(
    checked: Sequence[tuple[Submission, StaticResult]],
    options: SmokeOptions | None,
    tell: Progress,
    load_all: LoadAll,
) -> Iterator[Smoke]:
    """The smoke-loads' outcomes, in order: all those are done together that there is something to do for."""
    loads, names = [], []
    for submission, static in checked:
        if options is not None and static.target is not None and not static.target.recipe.skip:
            loads.append(load_of(submission, static.target))
            names.append(submission.name)

    def on_stage(index: int, stage: str) -> None:
        tell(Step("smoke-load", index, len(loads), names[index], stage))

    done = iter(load_all(loads, options, on_stage) if options is not None and loads else ())
    for _, static in checked:
        if static.by_bug:
            yield Smoke(Verdict.NOT_RUN, clean_line(static.why_no_target), unserved=True)
        elif options is None:
            yield STATIC_ONLY
        elif static.target is None:
            yield Smoke(Verdict.NOT_RUN, clean_line(static.why_no_target))
        elif static.target.recipe.skip:
            yield Smoke(Verdict.NOT_RUN, clean_line(f"skipped by its recipe: {static.target.recipe.skip}", 700))
        else:
            yield next(done)


def _static_results(
    submissions: Sequence[Submission], target: Target, recipes: Recipes, selection: Selection, for_smoke: bool
) -> Iterator[tuple[Submission, StaticResult]]:
    task = partial(_deep_check, target=target, recipes=recipes, selection=selection, for_smoke=for_smoke)
    for submission, result in within_limits(task, submissions):
        if isinstance(result, Lost):
            lost = _cannot_tell(submission, f"the static check {result.reason}")
            yield submission, replace(lost, by_bug=result.by_bug)
        else:
            yield submission, result


def within_limits(
    task: Callable[[Submission], _Result], submissions: Sequence[Submission]
) -> Iterator[tuple[Submission, _Result | Lost]]:
    """Yield what `task` returns for every submission, in order, each within `STATIC_LIMITS` where that is possible."""
    few = len(submissions) < _WORTH_A_POOL
    if multiprocessing.current_process().daemon or (few and not FORKS):
        # No second process is to be had, or none that starts soon.
        for submission in submissions:
            try:
                yield submission, task(submission)
            except MemoryError:
                yield submission, Lost(_TOO_LARGE)
        return
    results = in_workers(task, submissions, 1 if few else usable_cpus(), STATIC_LIMITS)
    yield from zip(submissions, results, strict=True)
