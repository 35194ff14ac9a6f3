"""The commands `cpipe-bot github ...`."""

from __future__ import annotations

import re
from typing import get_args

import click

from cpipe_bot.cli_parts import log_to_stderr
from cpipe_bot.github.cli_check import check
from cpipe_bot.github.cli_parts import GLOB, INPUTS, Failed
from cpipe_bot.github.settings import Settings, WhenGreen

_REPOSITORY = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}")
_DEFAULTS = Settings("")


@click.group()
def github() -> None:
    """Check pull requests on GitHub, and publish what came of it."""


github.add_command(check)


@github.command(context_settings=INPUTS)
@click.option("--repository", envvar="GITHUB_REPOSITORY", metavar="OWNER/NAME", help="Default: GITHUB_REPOSITORY.")
@click.option("--pull-request", type=click.IntRange(min=1), metavar="NUMBER", help="Default: what the event is about.")
@click.option("--check-workflow", default=_DEFAULTS.check_workflow, show_default=True, metavar="FILE")
@click.option("--gpu-workflow", default="", metavar="FILE", help="The workflow of `/cpipe-check gpu`.")
@click.option("--artifact", default=_DEFAULTS.artifact, show_default=True, metavar="NAME")
@click.option("--pattern", "patterns", type=GLOB, multiple=True, help="Which changed files to check; repeatable.")
@click.option("--exclude", type=GLOB, multiple=True, help="Which of those are not; repeatable.")
@click.option(
    "--distrust", type=GLOB, multiple=True, help="Further paths whose change keeps a verdict back; repeatable."
)
@click.option(
    "--when-green",
    type=click.Choice(get_args(WhenGreen)),
    default=_DEFAULTS.when_green,
    show_default=True,
    help="The comment of a pull request with nothing wrong: folded, deleted, or not made where there is none.",
)
@click.option("--labels/--no-labels", default=_DEFAULTS.labels, show_default=True)
@click.option("--suggestions/--no-suggestions", default=_DEFAULTS.suggestions, show_default=True)
def publish(
    repository: str | None,
    pull_request: int | None,
    check_workflow: str,
    gpu_workflow: str,
    artifact: str,
    patterns: tuple[str, ...],
    exclude: tuple[str, ...],
    distrust: tuple[str, ...],
    when_green: WhenGreen,
    labels: bool,
    suggestions: bool,
) -> None:
    """Make pull requests show what their check jobs came to: a comment, a check run, suggestions.

    Runs in a job of its own, which has write access and runs nothing of the pull request. Which pull request it is
    comes from the event in GITHUB_EVENT_PATH (workflow_run or issue_comment) or from --pull-request. The token is
    GITHUB_TOKEN; or CPIPE_APP_ID and CPIPE_APP_PRIVATE_KEY name a GitHub App. GITHUB_API_URL is another server's.
    """
    if not repository or not _REPOSITORY.fullmatch(repository):
        raise click.UsageError(f"{repository or 'nothing'!r} is no repository; give --repository OWNER/NAME")
    from cpipe_bot.github.client import CannotPublish
    from cpipe_bot.github.run import event_of, handle, publisher

    log_to_stderr()
    settings = Settings(
        repository,
        check_workflow=check_workflow,
        gpu_workflow=gpu_workflow,
        artifact=artifact,
        patterns=patterns or _DEFAULTS.patterns,
        exclude=exclude,
        distrusted=distrust,
        when_green=when_green,
        labels=labels,
        suggestions=suggestions,
    )
    try:
        event = None if pull_request is not None else event_of()
        found = publisher(settings)
        numbers = handle(found, event) if pull_request is None else [pull_request]
        if pull_request is not None:
            found.publish(pull_request)
    except CannotPublish as error:
        raise Failed(str(error)) from None
    click.echo(f"published: {', '.join(f'#{n}' for n in numbers) or 'nothing'}")
