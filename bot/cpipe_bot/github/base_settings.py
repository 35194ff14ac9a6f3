"""The base branch's settings, which count for a pull request: never its own."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from cpipe_check.config import Config, ConfigError, read_config

FILE = "pyproject.toml"
_NO_SETTINGS = b"[tool.cpipe-check]\n"


def base_settings(content: bytes | None) -> Config:
    """Return the settings in the base branch's pyproject.toml, None for a branch without one.

    Its recipes are for paths from the repository's root.

    Raises:
        ConfigError: when they cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="cpipe-bot-") as scratch:
        directory = Path(scratch)
        try:
            # The nearest file with the table counts: where the base branch has none, there is one that sets nothing.
            (directory / FILE).write_bytes(_NO_SETTINGS)
            inner = directory / "base"
            inner.mkdir()
            if content is not None:
                (inner / FILE).write_bytes(content)
            config = read_config(inner)
        except ConfigError as error:
            message = str(error).replace(f"{directory / 'base'}/", "")
            raise ConfigError(f"the base branch's settings cannot be used: {message}") from None
    return replace(config, recipes=replace(config.recipes, directory=Path()))
