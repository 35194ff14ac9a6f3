"""Settings from `[tool.cpipe-check]` in pyproject.toml; the command line, and the file's own recipe, go over them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from typing import Any

from cpipe_check.pipeline_file import recipe_table
from cpipe_check.recipe import over
from cpipe_check.selection import EVERYTHING, FAIL_ON, Selection, codes, unknown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NAMES = ("diffusers", "transformers", "select", "ignore", "fail-on", "recipes")


class ConfigError(Exception):
    """The settings cannot be used. The message is one line."""


@dataclass(frozen=True, slots=True)
class Recipes:
    """The recipes in a pyproject.toml: its directory, and valid tables by the path or pattern of paths each is for."""

    directory: Path
    tables: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def table_for(self, path: str) -> dict[str, Any]:
        """Return the recipe for a file, an empty table when there is none; of several that fit, later ones go over."""
        table: dict[str, Any] = {}
        if self.tables:
            seen = Path(os.path.relpath(path, self.directory)).as_posix()
            for pattern, recipe in self.tables:
                if re.match(translate(os.path.normpath(pattern)), seen):
                    table = over(recipe, table)
        return table


NO_RECIPES = Recipes(Path())


@dataclass(frozen=True, slots=True)
class Config:
    """The settings: what releases of diffusers and transformers to judge by, as `--diffusers` takes them; recipes; and
    whose findings count.
    """

    diffusers: str = "latest"
    transformers: str = "latest"
    recipes: Recipes = NO_RECIPES
    selection: Selection = EVERYTHING


def read_config(directory: Path) -> Config:
    """Return the settings of the nearest pyproject.toml, in `directory` or above it, that has `[tool.cpipe-check]`.

    Raises:
        ConfigError: when that file is no TOML, or a setting is unknown or of the wrong type.
    """
    for folder in (directory, *directory.parents):
        path = folder / "pyproject.toml"
        try:
            table = tool_table(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{path}: {error}") from None
        if table is not None:
            return _config(path, table)
    return Config()


def tool_table(text: str) -> object:
    """Return `[tool.cpipe-check]` of a pyproject.toml's text, None when it has none.

    Raises:
        ValueError: when it is no TOML.
    """
    tool = tomllib.loads(text).get("tool", {})
    return tool.get("cpipe-check") if isinstance(tool, dict) else None


def _config(path: Path, table: object) -> Config:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [tool.cpipe-check] is no table")
    settings: dict[str, Any] = {}
    choice: dict[str, Any] = {}
    for name, value in table.items():
        if name not in _NAMES:
            raise ConfigError(f"{path}: [tool.cpipe-check] has no setting {name!r}; there are {', '.join(_NAMES)}")
        if name == "recipes":
            settings[name] = Recipes(path.parent, _recipes(path, value))
        elif name in ("select", "ignore", "fail-on"):
            choice[name.replace("-", "_")] = _choice(path, name, value)
        elif isinstance(value, str):
            settings[name] = value
        else:
            raise ConfigError(f'{path}: [tool.cpipe-check] {name} is a string, such as {name} = ">=0.30"')
    return Config(**settings, selection=Selection(**choice))


def _choice(path: Path, name: str, value: object) -> str | tuple[str, ...]:
    where = f"{path}: [tool.cpipe-check] {name}"
    if name == "fail-on":
        if isinstance(value, str) and value in FAIL_ON:
            return value
        raise ConfigError(f"{where} is one of {', '.join(FAIL_ON)}")
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigError(f'{where} is a list of codes or their beginnings, such as {name} = ["CP3", "CP402"]')
    found = tuple(code for each in value for code in codes(each))
    if strange := unknown(found):
        raise ConfigError(f"{where}: {strange}")
    return found


def _recipes(path: Path, value: object) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: [tool.cpipe-check.recipes] is a table of recipes by the files that they are for")
    found: list[tuple[str, Mapping[str, Any]]] = []
    for pattern, table in value.items():
        where = f'{path}: [tool.cpipe-check.recipes."{pattern}"]'
        if not isinstance(table, dict):
            raise ConfigError(f"{where} is no table")
        if not pattern.endswith(".py") and "*" not in pattern and "py" in table:
            raise ConfigError(f'{where}: a path stands in quotes, such as [tool.cpipe-check.recipes."{pattern}.py"]')
        for problem in recipe_table.problems(table):
            raise ConfigError(f"{where}: {problem.message}")
        found.append((pattern, table))
    return tuple(found)
