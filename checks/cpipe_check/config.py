"""Settings from `[tool.cpipe-check]` in pyproject.toml; the command line goes over them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class ConfigError(Exception):
    """The settings cannot be used. The message is one line."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings: what releases of diffusers and transformers to judge by, as `--diffusers` takes them."""

    diffusers: str = "latest"
    transformers: str = "latest"


def read_config(directory: Path) -> Config:
    """Return the settings of the nearest pyproject.toml, in `directory` or above it, that has `[tool.cpipe-check]`.

    Raises:
        ConfigError: when that file is no TOML, or a setting is unknown or of the wrong type.
    """
    for folder in (directory, *directory.parents):
        path = folder / "pyproject.toml"
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("cpipe-check")
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError) as error:
            raise ConfigError(f"{path}: {error}") from None
        if table is not None:
            return _config(path, table)
    return Config()


def _config(path: Path, table: object) -> Config:
    known = [field.name for field in fields(Config)]
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [tool.cpipe-check] is no table")
    for name, value in table.items():
        if name not in known:
            raise ConfigError(f"{path}: [tool.cpipe-check] has no setting {name!r}; there are {', '.join(known)}")
        if not isinstance(value, str):
            raise ConfigError(f'{path}: [tool.cpipe-check] {name} is a string, such as {name} = ">=0.30"')
    return Config(**table)
