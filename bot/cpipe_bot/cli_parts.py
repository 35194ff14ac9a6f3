"""What the commands `cpipe-bot ...` share."""

from __future__ import annotations

import logging
import os
import sys
from typing import IO, Any

import click

from cpipe_check.text import clean_line, inert_in_logs

SMOKE_ON = click.option(
    "--smoke-on",
    type=click.Choice(["local", "hf-jobs", "off"]),
    help="Where files are run: in this machine's sandbox, or each in a Hugging Face Job (CPIPE_JOB_FLAVOR and others). "
    "Default: CPIPE_SMOKE, else local.",
)


class Failed(click.ClickException):
    """What was asked for could not be done."""

    exit_code = 3

    def show(self, file: IO[Any] | None = None) -> None:
        """Say so on standard error, and in a job of GitHub Actions as an annotation of the step."""
        line = inert_in_logs(clean_line(self.message))
        click.echo(f"cpipe-bot: {line}", file=file, err=True)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            click.echo(f"::error title=cpipe-bot::{line.replace('%', '%25')}")


def log_to_stderr() -> None:
    """Have the log go to standard error, as lines that no CI takes for commands."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Inert("cpipe-bot: %(message)s"))
    logger = logging.getLogger("cpipe_bot")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)


class _Inert(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return inert_in_logs(clean_line(super().format(record)))
