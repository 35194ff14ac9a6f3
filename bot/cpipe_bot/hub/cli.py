"""The commands `cpipe-bot hub ...`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from cpipe_bot.cli_parts import SMOKE_ON, Failed, log_to_stderr
from cpipe_bot.hub.names import MAIN, is_repo, pull_of
from cpipe_check import __version__

if TYPE_CHECKING:
    from cpipe_bot.hub.settings import HubSettings
    from cpipe_bot.jobs.work import Done, RepoType

_ENDPOINT = click.option(
    "--endpoint", envvar="HF_ENDPOINT", default="https://huggingface.co", show_default=True, metavar="URL"
)
_TOKEN = "The token is HF_TOKEN, which has to write discussions."


@click.group()
def hub() -> None:
    """Check repositories on the Hugging Face Hub, and answer in their discussions."""


@hub.command(epilog=_TOKEN)
@click.argument("repo", metavar="OWNER/NAME")
@click.option("--ref", default="main", show_default=True, metavar="REF", help="main, or refs/pr/N for a pull request.")
@click.option("--dry-run", is_flag=True, help="Say what it comes to, and write nothing to the Hub.")
@click.option("--static-only", is_flag=True, help="Run nothing of the files.")
@click.option("--timeout", type=click.FloatRange(min=1), default=300, help="Seconds for a file's load and call.")
@SMOKE_ON
@_ENDPOINT
def check(
    repo: str, ref: str, dry_run: bool, static_only: bool, timeout: float, smoke_on: str | None, endpoint: str
) -> None:
    """Check a repository now and answer as the server would. `datasets/OWNER/NAME` is a data set of pipelines."""
    from cpipe_bot.hf_jobs.settings import from_environment as jobs_from_environment
    from cpipe_bot.hub.client import Hub
    from cpipe_bot.hub.handle import handle
    from cpipe_bot.hub.settings import smoke_place
    from cpipe_bot.jobs.work import GiveUp, Trigger, TryAgain, Work
    from cpipe_check.smoke.run import SmokeOptions

    log_to_stderr()
    repo_type, name = _named(repo)
    full = MAIN if ref == "main" else ref
    number = pull_of(full)
    if full != MAIN and number is None:
        raise click.UsageError(f"{ref!r} is neither main nor refs/pr/N")
    try:
        where = "off" if static_only else smoke_on or smoke_place(os.environ)
        smoke = None if where == "off" else SmokeOptions(seconds=timeout)
        jobs = jobs_from_environment({**os.environ, "HF_ENDPOINT": endpoint}) if where == "hf-jobs" else None
        settings = _settings(endpoint, dry_run=dry_run, smoke=smoke, jobs=jobs)
        found = Hub(settings)
        sha = found.commit(found.repository(repo_type, name), full)
        if sha is None:
            raise Failed(f"{name} has no {ref}")
        trigger: Trigger = "push" if number is None else "pull request"
        done = handle(Work(repo_type, name, full, sha, __version__, trigger, number), settings)
    except (TryAgain, GiveUp) as error:
        raise Failed(f"{name}: {error}") from None
    _tell(done)


@hub.command(epilog=_TOKEN)
@click.argument("repo", metavar="OWNER/NAME")
@click.option("--url", required=True, envvar="CPIPE_WEBHOOK_URL", help="The server's https://.../webhooks/hub.")
@click.option("--secret", required=True, envvar="CPIPE_WEBHOOK_SECRET", help="Better given as CPIPE_WEBHOOK_SECRET.")
@_ENDPOINT
def watch(repo: str, url: str, secret: str, endpoint: str) -> None:
    """Have the Hub tell the server of a repository's pushes, pull requests and comments."""
    from cpipe_bot.hub.watch import watch as watched
    from cpipe_bot.jobs.work import GiveUp, TryAgain

    log_to_stderr()
    repo_type, name = _named(repo)
    if not url.startswith("https://"):
        raise click.UsageError("the Hub only calls an address that begins with https://")
    try:
        done = watched(_settings(endpoint), repo_type, name, url, secret)
    except (TryAgain, GiveUp) as error:
        raise Failed(f"{name}: {error}") from None
    click.echo(f"{name}: webhook {done.id} {done.how}{', but it is disabled' if done.disabled else ''}")


def _named(repo: str) -> tuple[RepoType, str]:
    kind, name = ("dataset", repo.removeprefix("datasets/")) if repo.startswith("datasets/") else ("model", repo)
    if not is_repo(name):
        raise click.UsageError(f"{repo!r} is no repository; give OWNER/NAME")
    return ("dataset" if kind == "dataset" else "model"), name


def _settings(endpoint: str, **more: object) -> HubSettings:
    from dataclasses import replace

    from cpipe_bot.hub.settings import HubSettings

    return replace(HubSettings(endpoint, os.environ.get("HF_TOKEN", "")), **more)  # type: ignore[arg-type]


def _tell(done: Done) -> None:
    from cpipe_check.report import RENDERERS

    if done.report is not None:
        click.echo(RENDERERS["text"](done.report, False), nl=False)
    where = f" (discussion {done.discussion})" if done.discussion is not None else ""
    click.echo(f"{done.conclusion}: {done.headline}{where}")
    sys.exit(1 if done.conclusion == "failure" else 0)
