"""What the commands `cpipe-bot github ...` share."""

from __future__ import annotations

import click

from cpipe_bot.cli_parts import Failed

__all__ = ["GLOB", "INPUTS", "Failed"]

# An action's inputs reach its program as variables INPUT_NAME, as GitHub's runner has it.
INPUTS = {"auto_envvar_prefix": "INPUT", "max_content_width": 100}


class _Globs(click.types.StringParamType):
    """Patterns of paths: one an option, and in a variable one a line, since a path may have spaces."""

    name = "glob"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [line.strip() for line in rv.splitlines() if line.strip()]


GLOB = _Globs()
