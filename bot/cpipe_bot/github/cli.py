"""The commands `cpipe-bot github ...`, each of which imports what it needs."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpipe_check.selection import FAIL_ON
from cpipe_check.text import clean_line, inert_in_logs

if TYPE_CHECKING:
    from cpipe_check.selection import FailOn
    from cpipe_check.smoke.run import SmokeOptions

DEFAULT_PATTERNS = ("examples/community/*.py", "**/pipeline.py")
_CRASHED = 3


@click.group()
def github() -> None:
    """Check pull requests on GitHub, and publish what came of it."""


def _lines(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Return the lines of a value that hold something."""
    return tuple(line.strip() for line in value.splitlines() if line.strip())


# GitHub's runner calls an action's inputs INPUT_NAME.
@github.command(context_settings={"auto_envvar_prefix": "INPUT", "max_content_width": 100})
@click.option(
    "--path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="Where the pull request is checked out: GitHub's merge commit with its two parents, or its head.",
)
@click.option(
    "--files",
    default="\n".join(DEFAULT_PATTERNS),
    callback=_lines,
    help="Which paths are pipelines: globs, one a line.",
)
@click.option("--exclude", default="", callback=_lines, help="Which of them are not.")
@click.option("--head-sha", default="", help="The pull request's last commit. Default: the event's.")
@click.option("--diffusers", default="", metavar="SPEC", help="Over the base branch's setting, as for cpipe-check.")
@click.option("--transformers", default="", metavar="SPEC", help="The same.")
@click.option("--static-only", type=bool, default=False, help="Run nothing of the files.")
@click.option("--thorough", type=bool, default=False, help="Try more of what a pipeline can do.")
@click.option("--reference", default="", metavar="DIR_OR_REPO_ID", help="A real model to smoke-load against.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto")
@click.option("--timeout", type=click.FloatRange(min=1), default=300, help="Seconds for a file's load and call.")
@click.option("--jobs", type=click.IntRange(min=0), default=0, help="Files side by side; 0: as the machine suggests.")
@click.option("--fail-on", type=click.Choice(["", *FAIL_ON]), default="", help="Over the base branch's setting.")
@click.option("--fail", type=bool, default=True, help="Whether findings end the command with 1, or with 0.")
def check(
    path: Path,
    files: tuple[str, ...],
    exclude: tuple[str, ...],
    head_sha: str,
    diffusers: str,
    transformers: str,
    static_only: bool,
    thorough: bool,
    reference: str,
    device: str,
    timeout: float,
    jobs: int,
    fail_on: FailOn | None,
    fail: bool,
) -> None:
    """Check the pipeline files that a pull request changes, in its own job, without secrets.

    Options may be given as environment variables INPUT_NAME. The exit codes are cpipe-check's.
    """
    from cpipe_bot.github import runner
    from cpipe_bot.github.check import Options, checked, leave
    from cpipe_check.cli_parts import Unserved
    from cpipe_check.report import RENDERERS

    event_head, base = runner.commits_of_event()
    try:
        smoke = None if static_only else _smoke(reference, device, timeout, jobs, thorough)
        head = head_sha or event_head
        options = Options(path, head, base, files, exclude, diffusers, transformers, fail_on or None, smoke)
        report = checked(options)
        directory = Path(tempfile.mkdtemp(prefix="cpipe-check-", dir=os.environ.get("RUNNER_TEMP") or None))
        leave(report, options, runner.from_environment(), directory)
    except Unserved as error:
        _die(error.format_message())
    except click.ClickException:
        raise
    except Exception as error:
        _die(f"internal error: {type(error).__name__}: {clean_line(str(error), 300)}; please report it")
    click.echo(RENDERERS["text"](report, False), nl=False)
    click.echo(RENDERERS["github"](report, False), nl=False)
    sys.exit(0 if report.exit_code == 1 and not fail else report.exit_code)


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


def _die(text: str) -> None:
    click.echo(inert_in_logs(f"cpipe-bot: {clean_line(text)}"), err=True)
    sys.exit(_CRASHED)
