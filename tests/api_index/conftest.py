"""A small library in the shape of diffusers, written for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cpipe_check.api_index import SOURCE, ApiIndex

Exists = Callable[..., "bool | None"]


def write_tree(root: Path, files: dict[str, str]) -> Path:
    """Write ``src/diffusers`` below ``root`` and return ``root``; packages without a text get an empty ``__init__``."""
    package = root / "src" / "diffusers"
    for name, text in {"__init__.py": "", **files}.items():
        file = package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for folder in package.rglob("*"):
        if folder.is_dir() and not any(
            part.startswith(("bare", "kernels")) for part in folder.relative_to(package).parts
        ):
            (folder / "__init__.py").touch()
    return root


@pytest.fixture
def index_of(tmp_path: Path) -> Callable[[dict[str, str]], ApiIndex]:
    """Index a library given as path -> text."""
    return lambda files: ApiIndex.from_source(write_tree(tmp_path, files))


@pytest.fixture
def exists_in(index_of: Callable[[dict[str, str]], ApiIndex]) -> Callable[[str], Exists]:
    """Given the text of a module ``diffusers.m``, tell what exists in it."""

    def of(text: str) -> Exists:
        index = index_of({"m.py": text, "other.py": "A = 1\n_hidden = 2\n"})
        return lambda name: index.exists("diffusers.m", name, SOURCE)

    return of
