"""The command `cpipe-bot github check`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpipe_bot.github.cli_parts import GLOB, INPUTS, Failed
from cpipe_bot.github.settings import Settings
from cpipe_check.selection import FAIL_ON
from cpipe_check.text import clean_line

if TYPE_CHECKING:
    from cpipe_bot.hf_jobs.settings import JobSettings
    from cpipe_check.selection import FailOn
    from cpipe_check.smoke.run import SmokeOptions

_DEFAULTS = Settings("")


@click.command(context_settings=INPUTS)
@click.option(
    "--path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="Where the pull request is checked out: GitHub's merge commit with its two parents, or its head.",
)
@click.option("--pattern", "patterns", type=GLOB, multiple=True, help="Which changed files to check; repeatable.")
@click.option("--exclude", type=GLOB, multiple=True, help="Which of those are not; repeatable.")
@click.option("--head-sha", default="", help="The pull request's last commit. Default: the event's.")
@click.option("--diffusers", default="", metavar="SPEC", help="Over the base branch's setting, as for cpipe-check.")
@click.option("--transformers", default="", metavar="SPEC", help="The same.")
@click.option("--static-only", type=bool, default=False, help="Run nothing of the files.")
@click.option(
    "--smoke-on",
    type=click.Choice(["local", "hf-jobs"]),
    default="local",
    show_default=True,
    help="hf-jobs: each file in a Hugging Face Job, with HF_TOKEN, CPIPE_JOB_FLAVOR, CPIPE_JOB_IMAGE and "
    "CPIPE_JOB_NAMESPACE; only in a workflow that no pull request can change.",
)
@click.option("--thorough", type=bool, default=False, help="Try more of what a pipeline can do.")
@click.option("--reference", default="", metavar="DIR_OR_REPO_ID", help="A real model to smoke-load against.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto")
@click.option("--timeout", type=click.FloatRange(min=1), default=300, help="Seconds for a file's load and call.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, help="Files side by side; 0: as the machine suggests.")
@click.option("--fail-on", type=click.Choice(["", *FAIL_ON]), default="", help="Over the base branch's setting.")
@click.option("--fail", type=bool, default=True, help="Whether findings end the command with 1, or with 0.")
@click.option("--annotate", type=bool, default=True, help="Whether to annotate the lines; a publisher does so too.")
def check(
    path: Path,
    patterns: tuple[str, ...],
    exclude: tuple[str, ...],
    head_sha: str,
    diffusers: str,
    transformers: str,
    static_only: bool,
    smoke_on: str,
    thorough: bool,
    reference: str,
    device: str,
    timeout: float,
    jobs: int,
    fail_on: FailOn | None,
    fail: bool,
    annotate: bool,
) -> None:
    """Check the pipeline files that a pull request changes, in its own job, without secrets.

    With --smoke-on hf-jobs nothing of the pull request is run here, so that there may be a token.

    Options may be given as environment variables INPUT_NAME. The exit codes are cpipe-check's.
    """
    from cpipe_bot.github import runner
    from cpipe_bot.github.check import Options, checked, leave
    from cpipe_check.cli_parts import Unserved
    from cpipe_check.report import RENDERERS

    event_head, base = runner.commits_of_event()
    try:
        in_jobs = _in_jobs(jobs) if smoke_on == "hf-jobs" else None
        smoke = None if static_only else _smoke(reference, device, timeout, jobs, thorough)
        head = head_sha or event_head
        chosen, wanted = patterns or _DEFAULTS.patterns, fail_on or None
        options = Options(path, head, base, chosen, exclude, diffusers, transformers, wanted, smoke, in_jobs)
        report = checked(options)
        directory = Path(tempfile.mkdtemp(prefix="cpipe-check-", dir=os.environ.get("RUNNER_TEMP") or None))
        leave(report, options, runner.from_environment(), directory)
    except Unserved as error:
        raise Failed(error.format_message()) from None
    except click.ClickException:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {clean_line(str(error), 300)}"
        raise Failed(f"internal error: {what}; please report it") from error
    click.echo(RENDERERS["text"](report, False), nl=False)
    if annotate:
        click.echo(RENDERERS["github"](report, False), nl=False)
    sys.exit(0 if report.exit_code == 1 and not fail else report.exit_code)


def _in_jobs(side_by_side: int) -> JobSettings:
    from dataclasses import replace

    from cpipe_bot.hf_jobs.settings import from_environment
    from cpipe_bot.jobs.work import GiveUp

    try:
        found = from_environment()
        return replace(found, side_by_side=side_by_side) if side_by_side else found
    except GiveUp as error:
        raise Failed(str(error)) from None


def _smoke(reference: str, device: str, timeout: float, jobs: int, thorough: bool) -> SmokeOptions:
    from cpipe_check.cli_parts import reference_directory
    from cpipe_check.smoke.run import SmokeOptions

    return SmokeOptions(
        reference_directory(reference or None, quiet=True),
        device,
        seconds=timeout,
        isolation="strict",
        thorough=thorough,
        jobs=jobs,
    )
