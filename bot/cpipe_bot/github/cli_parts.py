"""What the commands `cpipe-bot github ...` share."""

from __future__ import annotations

import os
from typing import IO, Any

import click

from cpipe_check.text import clean_line, inert_in_logs

# An action's inputs reach its program as variables INPUT_NAME, as GitHub's runner has it.
INPUTS = {"auto_envvar_prefix": "INPUT", "max_content_width": 100}


class Failed(click.ClickException):
    """What was asked for could not be done."""

    exit_code = 3

    def show(self, file: IO[Any] | None = None) -> None:
        """Say so on standard error, and in a job of GitHub Actions as an annotation of the step."""
        line = inert_in_logs(clean_line(self.message))
        click.echo(f"cpipe-bot: {line}", file=file, err=True)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            click.echo(f"::error title=cpipe-bot::{line.replace('%', '%25')}")


class _Globs(click.types.StringParamType):
    """Patterns of paths: one an option, and in a variable one a line, since a path may have spaces."""

    name = "glob"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [line.strip() for line in rv.splitlines() if line.strip()]


GLOB = _Globs()
