"""The check job: the pipeline files that a pull request changes are checked, and what came of it is left behind.

It runs beside the pull request's own code, without secrets, so that all of it is only a claim to whoever publishes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path, PurePosixPath

from cpipe_bot.github.base_settings import base_settings
from cpipe_bot.github.changed import ChangedFile, Checkout, NoChange
from cpipe_bot.github.runner import Runner
from cpipe_bot.hf_jobs.settings import JobSettings
from cpipe_check.api_index import ApiIndexError
from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check
from cpipe_check.config import Config, ConfigError
from cpipe_check.report import RENDERERS
from cpipe_check.report.markdown import code
from cpipe_check.report.model import Report
from cpipe_check.selection import FailOn
from cpipe_check.smoke.pool import LoadAll, smoke_load_all
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.submission import Collection, Submission
from cpipe_check.text import clean_line

VERDICTS = {0: "clean", 1: "findings", 2: "unusable", 3: "incomplete"}
# GitHub takes 1 MB of outputs from a job.
_MAX_OUTPUT = 500_000


@dataclass(frozen=True, slots=True)
class Options:
    """What to check, and how.

    `head` and `base` are commits of the pull request, "" when they are not known. `diffusers`, `transformers` and
    `fail_on` go over the base branch's settings when they are not empty. `smoke` is None for the static check alone;
    it is done in `jobs` on Hugging Face where that is not None.
    """

    root: Path
    head: str
    base: str
    patterns: tuple[str, ...]
    exclude: tuple[str, ...]
    diffusers: str
    transformers: str
    fail_on: FailOn | None
    smoke: SmokeOptions | None
    jobs: JobSettings | None = None


def checked(options: Options) -> Report:
    """Return the report on the pull request that is checked out.

    What keeps it from being checked at all (no way to tell what it changes, settings of the base branch that cannot be
    used) is a problem in the report. A pull request that changes no pipeline is a report without files.
    """
    try:
        checkout = Checkout(options.root)
        change = checkout.change(options.head, options.base)
        files = checkout.files(change, options.patterns, options.exclude)
        config = _over(options, base_settings(checkout.settings(change)))
        target = resolve(config.diffusers, config.transformers)
    except (NoChange, ConfigError, ApiIndexError) as error:
        return Report((), problems=(clean_line(str(error)),))
    passed_over = tuple((clean_line(f.path), clean_line(f.reason)) for f in files if f.content is None)
    submissions = tuple(_submission(options.root, file) for file in files if file.content is not None)
    if not submissions:
        return Report((), passed_over, fail_on=config.selection.fail_on)
    collection = Collection(submissions, passed_over, ())
    report = check(
        collection,
        options.smoke,
        target=target,
        recipes=config.recipes,
        selection=config.selection,
        load_all=smoke_load_all if options.jobs is None else _in_jobs(options.jobs),
    )
    # That none of them defines a pipeline is no fault of a pull request.
    return report if report.files else replace(report, problems=())


def leave(report: Report, options: Options, runner: Runner, directory: Path) -> None:
    """Write `report.json` and `report.sarif` into a directory, and the job's summary and outputs."""
    documents = {"report": directory / "report.json", "sarif": directory / "report.sarif"}
    documents["report"].write_text(RENDERERS["json"](report, False), encoding="utf-8")
    documents["sarif"].write_text(RENDERERS["sarif"](report, False), encoding="utf-8")
    runner.summarize(summary(report, options.patterns))
    runner.set_outputs(
        {
            "files": _listed([file.path for file in report.files]),
            "verdict": VERDICTS[report.exit_code],
            "exit-code": str(report.exit_code),
            "directory": str(directory),
            **{name: str(path) for name, path in documents.items()},
        }
    )


def summary(report: Report, patterns: tuple[str, ...]) -> str:
    """Return the job's summary, in Markdown."""
    text = RENDERERS["markdown"](report, False)
    if report.files or report.problems:
        return text
    rest = text.partition("\n\n")[2]
    looked_for = " or ".join(map(code, patterns))
    what = "Of what this pull request changes, there is no pipeline file to check"
    return f"### No pipeline files changed\n\n{what} ({looked_for}).\n\n{rest}"


def _in_jobs(jobs: JobSettings) -> LoadAll:
    # huggingface_hub is not there where only the checker is.
    from cpipe_bot.hf_jobs.run import in_jobs

    return in_jobs(jobs)


def _listed(paths: list[str]) -> str:
    """Paths as a JSON list in ASCII, so that none can have a line of its own; the first ones, when it gets too long."""
    sizes = accumulate(len(json.dumps(path)) + 2 for path in paths)
    return json.dumps([path for path, size in zip(paths, sizes, strict=True) if size <= _MAX_OUTPUT])


def _over(options: Options, config: Config) -> Config:
    return replace(
        config,
        diffusers=options.diffusers or config.diffusers,
        transformers=options.transformers or config.transformers,
        selection=replace(config.selection, fail_on=options.fail_on or config.selection.fail_on),
    )


def _submission(root: Path, file: ChangedFile) -> Submission:
    directory = root / PurePosixPath(file.path).parent
    return Submission(file.path, file.content or b"", directory, discovered=True)
