"""The facts about the Hub repository that loads a pipeline file: its files, and what its `model_index.json` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cpipe_check.pipeline_file.facts import Truth


@dataclass(frozen=True)
class Repository:
    """A repository's files by name (all of them when `complete`) and its `model_index.json`.

    `index` is None when there is none, or when the loader refuses it, with the error `refusal`.
    """

    names: frozenset[str]
    complete: bool
    index: Mapping[str, Any] | None = None
    refusal: str = ""

    def has(self, path: str) -> Truth:
        """Tell whether there is a file at `path`."""
        if path in self.names:
            return Truth.YES
        return Truth.NO if self.complete else Truth.UNKNOWN

    def has_folder(self, name: str) -> Truth:
        """Tell whether anything stands in the folder."""
        if any(path.startswith(f"{name}/") for path in self.names):
            return Truth.YES
        return Truth.NO if self.complete else Truth.UNKNOWN

    @property
    def named(self) -> tuple[str, str] | None:
        """The module and the class that `_class_name` gives for the pipeline, None when it gives no module."""
        match self.index:
            case {"_class_name": [str(module), str(name)]}:
                return module, name
        return None

    @cached_property
    def components(self) -> dict[str, tuple[str, str]]:
        """The components that `model_index.json` lists: the library or module, and the class, of each."""
        found: dict[str, tuple[str, str]] = {}
        for key, value in (self.index or {}).items():
            match value:
                case [str(library), str(name)] if not key.startswith("_"):
                    found[key] = (library, name)
        return found


def repository_of(names: frozenset[str], index: bytes | None, complete: bool = True) -> Repository:
    """Return the facts about a repository with these files and the content of its `model_index.json`."""
    if index is None:
        return Repository(names, complete)
    try:
        value = json.loads(index.decode("utf-8"))
    except ValueError:
        return Repository(names, complete, refusal="is not a valid JSON file")
    except RecursionError:
        return Repository(names, complete, refusal="RecursionError: maximum recursion depth exceeded")
    if isinstance(value, dict):
        return Repository(names, complete, value)
    # What the loader's `config_dict.pop("_ignore_files", None)` raises.
    if isinstance(value, list):
        return Repository(names, complete, refusal="TypeError: pop expected at most 1 argument, got 2")
    refusal = f"AttributeError: '{type(value).__name__}' object has no attribute 'pop'"
    return Repository(names, complete, refusal=refusal)
