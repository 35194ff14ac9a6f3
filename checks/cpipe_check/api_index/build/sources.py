"""Where source text comes from: a wheel, a source archive, or a checkout; and its facts."""

from __future__ import annotations

import gc
import hashlib
import tarfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cpipe_check.api_index.build.link import Linker, Source
from cpipe_check.api_index.build.ops import Open, Summary
from cpipe_check.api_index.build.summary import summarise
from cpipe_check.api_index.model import ApiIndexError, ReleaseFacts


def read_archive(path: Path, library: str) -> dict[str, bytes]:
    """Return path -> text of the library's Python files in a wheel or ``.tar.gz``; paths start with the library's name.

    A folder without Python files can be imported too; it has a path that ends in ``/``, and no text.

    Raises `ApiIndexError` when the file is no such archive, or has no such library in it.
    """
    try:
        files = dict(_members(path))
    except (OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise ApiIndexError(f"{path} cannot be read as a wheel or source archive: {error}") from error
    return _only(files, library, str(path))


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                yield (name, wheel.read(name)) if name.endswith(".py") else (_folder(name), b"")
        return
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name.partition("/")[2].removeprefix("src/")
            handle = archive.extractfile(member) if member.isfile() and name.endswith(".py") else None
            yield (_folder(name), b"") if handle is None else (name, handle.read())


def _folder(name: str) -> str:
    return name.rpartition("/")[0] + "/"


def read_tree(path: Path, library: str = "diffusers") -> dict[str, bytes]:
    """Return the same for a checkout (``src/diffusers`` in it, ``diffusers`` in it, or that package folder itself)."""
    for root in (path / "src" / library, path / library, path):
        if root.name == library and (root / "__init__.py").is_file():
            return _only(dict(_tree_members(root)), library, str(path))
    raise ApiIndexError(f"{path} is no {library} source tree: there is no src/{library}/__init__.py in it")


def _tree_members(root: Path) -> Iterator[tuple[str, bytes]]:
    for file in root.rglob("*"):
        name = file.relative_to(root.parent).as_posix()
        if file.is_file():
            yield (name, file.read_bytes()) if file.suffix == ".py" else (_folder(name), b"")


def _only(files: dict[str, bytes], library: str, where: str) -> dict[str, bytes]:
    chosen = {name: text for name, text in files.items() if name.startswith(library + "/")}
    if library + "/__init__.py" not in chosen:
        raise ApiIndexError(f"{where} has no package {library!r} in it")
    return chosen


class Extractor:
    """Makes facts from files; a file whose text was seen before (in any release) is not parsed again."""

    def __init__(self) -> None:
        self._seen: dict[bytes, Summary] = {}

    def facts(self, library: str, version: str, files: dict[str, bytes]) -> ReleaseFacts:
        """Return the facts of one release from path -> text."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            return Linker(library, version, self._sources(files)).facts()
        finally:
            if collecting:
                gc.enable()

    def _sources(self, files: dict[str, bytes]) -> dict[str, Source]:
        sources: dict[str, Source] = {}
        for name, text in sorted(files.items()):
            parts = name.removesuffix(".py").rstrip("/").split("/")
            is_package = parts[-1] == "__init__"
            module = ".".join(parts[:-1] if is_package else parts)
            if not all(part.isidentifier() for part in parts) or "__pycache__" in parts:
                continue
            if not name.endswith("/"):
                sources[module] = Source(module, is_package, self._summary(text))
            elif module not in sources:
                sources[module] = Source(module, True, None)
        for module in list(sources):
            parent = module.rpartition(".")[0]
            while parent and parent not in sources:
                sources[parent] = Source(parent, True, None)
                parent = parent.rpartition(".")[0]
        return sources

    def _summary(self, text: bytes) -> Summary:
        key = hashlib.sha256(text).digest()
        if key not in self._seen:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._seen[key] = summarise(text)
            except (SyntaxError, ValueError):
                self._seen[key] = Summary((Open(),))
        return self._seen[key]
