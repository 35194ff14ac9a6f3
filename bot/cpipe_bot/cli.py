"""The command `cpipe-bot`."""

import click

from cpipe_bot.github.cli import github
from cpipe_bot.hub.cli import hub
from cpipe_bot.jobs.cli import jobs, serve, worker
from cpipe_check import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cpipe-bot")
def main() -> None:
    """Check pipelines that others submit, and answer where they submitted them."""


for command in (github, hub, serve, worker, jobs):
    main.add_command(command)
