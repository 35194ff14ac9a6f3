"""Where files come from: paths on the command line, directories laid out as a Hub repository, standard input."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from cpipe_check.text import CleanText, clean_line

# The largest pipeline file in diffusers' examples/community has 0.13 MB.
MAX_BYTES = 1_000_000
_SKIPPED_DIRECTORIES = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist", "venv"})
README = re.compile(r"readme[\w.-]{0,80}\.md", re.IGNORECASE)
INDEX = "model_index.json"
_MAX_READMES = 4
_MAX_LISTED = 20_000
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)?")


class InputProblem(Exception):
    """A path that cannot be checked; `reason` says why and what to do."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{clean_line(str(path), 300)}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """What a Hub repository holds: the names of its files, all of them when `complete`, and its `model_index.json`."""

    names: frozenset[str]
    index: bytes | None
    complete: bool = True

    def named_module(self) -> str:
        """Return the module that `model_index.json` names for the pipeline class, "" when it names none."""
        try:
            class_name = json.loads(self.index or b"{}").get("_class_name")
        except (ValueError, RecursionError, AttributeError):
            return ""
        match class_name:
            case [str(module), str()] if _MODULE.fullmatch(module) and "." not in module:
                return module
        return ""


@dataclass(frozen=True, slots=True)
class Submission:
    """One pipeline file to check.

    `path` is how the user named it, `content` its bytes. `directory` is where its siblings stand, None for standard
    input. `discovered` is True when a directory was searched for it, so that it may turn out to be no pipeline file at
    all. `on_disk` is True when `path` is where it stands. `repository` is what the Hub repository holds that loads this
    file, None when none is known to.
    """

    path: str
    content: bytes
    directory: Path | None
    discovered: bool = False
    on_disk: bool = True
    repository: RepositoryFiles | None = None

    @property
    def name(self) -> str:
        """The file's name without its directory."""
        return Path(self.path).name

    def read_sibling(self, module: str) -> bytes | None:
        """Return the bytes of `module` (at most one dot deep) beside the file, None when there is no such file."""
        if self.directory is None or not _MODULE.fullmatch(module):
            return None
        path = self.directory / (module.replace(".", "/") + ".py")
        try:
            # A directory may be a link too.
            return read_regular(path) if path.parent == self.directory or not path.parent.is_symlink() else None
        except InputProblem:
            return None

    def read_readmes(self) -> list[tuple[str, bytes]]:
        """Return the names and bytes of the `README*.md` files beside the file, a few at most."""
        found = []
        directory = self.directory
        if directory is not None:
            for name in sorted(_readmes(directory)):
                with suppress(InputProblem):
                    found.append((name, read_regular(directory / name)))
        return found


@dataclass(frozen=True, slots=True)
class Collection:
    """What the paths on a command line came to: submissions, files passed over with a reason, and problems."""

    submissions: tuple[Submission, ...]
    skipped: tuple[tuple[CleanText, CleanText], ...]
    problems: tuple[CleanText, ...]


def _readmes(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return list(islice((e.name for e in entries if README.fullmatch(e.name)), _MAX_READMES))
    except OSError:
        return []


@dataclass(slots=True)
class _Found:
    submissions: list[Submission] = field(default_factory=list)
    skipped: list[tuple[CleanText, CleanText]] = field(default_factory=list)


def read_regular(path: Path) -> bytes:
    """Return the bytes of a regular file of at most `MAX_BYTES`. Never blocks on a FIFO or a device.

    A symbolic link may lead to a file in its own directory or beneath it, or within one repository of the Hub's cache:
    in a checkout that nobody trusts, any other could lead to what its sender may not read.

    Raises:
        InputProblem: for anything else.
    """
    if os.path.islink(path) and os.path.exists(path) and not _stays_in(path):
        raise InputProblem(path, "a symbolic link that leads out of its directory; give the file itself")
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:
        raise InputProblem(path, _why_not_opened(path, error)) from None
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise InputProblem(path, "not a regular file; use `-` to check what comes from standard input")
        content = file.read(MAX_BYTES + 1)
        size = max(os.fstat(handle).st_size, len(content))
    if len(content) > MAX_BYTES:
        raise InputProblem(
            path, f"{size / 1e6:.1f} MB is too large for a pipeline file (at most {MAX_BYTES / 1e6:g} MB)"
        )
    return content


def _stays_in(link: Path) -> bool:
    directory = Path(os.path.realpath(link.parent))
    snapshots = next((parent for parent in (directory, *directory.parents) if parent.name == "snapshots"), None)
    root = directory if snapshots is None else snapshots.parent
    return Path(os.path.realpath(link)).is_relative_to(root)


def _why_not_opened(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):
        return f"not a path: {error}"
    if isinstance(error, FileNotFoundError):
        if os.path.islink(path):
            return f"broken symbolic link to {os.readlink(path)}"
        return "no such file or directory"
    if isinstance(error, PermissionError):
        return "permission denied; make it readable (chmod +r)"
    return error.strerror or type(error).__name__


def collect(paths: Sequence[str], stdin: bytes = b"", stdin_filename: str = "<stdin>") -> Collection:
    """Return the submissions that `paths` name. A path that cannot be used becomes a problem; the others go on.

    `stdin` is what `-` stands for, and `stdin_filename` the name that it is shown and loaded under.
    """
    submissions: list[Submission] = []
    skipped: list[tuple[CleanText, CleanText]] = []
    problems: list[CleanText] = []
    for path in dict.fromkeys(paths):
        try:
            found = _from_stdin(stdin, stdin_filename) if path == "-" else _from_path(path)
        except InputProblem as problem:
            problems.append(clean_line(str(problem)))
            continue
        known = {s.path for s in submissions}
        submissions.extend(s for s in found.submissions if s.path not in known)
        skipped.extend(found.skipped)
    return Collection(tuple(submissions), tuple(skipped), tuple(problems))


def _from_stdin(stdin: bytes, filename: str) -> _Found:
    content = stdin
    if len(content) > MAX_BYTES:
        raise InputProblem("standard input", f"too large for a pipeline file (at most {MAX_BYTES / 1e6:g} MB)")
    parent = Path(filename).parent
    return _Found([Submission(filename, content, parent if parent != Path() else None, on_disk=False)])


def _from_path(text: str) -> _Found:
    path = Path(text)
    if os.path.isdir(path):
        return _from_directory(path)
    if path.suffix != ".py" and os.path.isfile(path):
        raise InputProblem(text, "not a `.py` file; the loader takes no other for a pipeline file")
    return _Found([Submission(text, read_regular(path), path.parent)])


def _from_directory(root: Path) -> _Found:
    found = _Found()
    if _is_hub_layout(root):
        found.submissions.append(_hub_submission(root))
        return found
    try:
        for directory, folders, files in os.walk(root, onerror=_raise):
            folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED_DIRECTORIES)
            here = Path(directory)
            if here != root and _is_hub_layout(here):
                folders.clear()
                _try(found, here, _hub_submission)
                continue
            for name in sorted(files):
                if name.endswith(".py"):
                    _try(found, here / name, _discovered)
    except OSError as error:
        raise InputProblem(root, error.strerror or "cannot be listed") from None
    if not found.submissions:
        raise InputProblem(root, "no pipeline files in this directory")
    return found


def _discovered(path: Path) -> Submission:
    content = read_regular(path)
    if b"Pipeline" not in content:
        raise InputProblem(path, "mentions no pipeline")
    return Submission(str(path), content, path.parent, discovered=True)


def _raise(error: OSError) -> None:
    raise error


def _try(found: _Found, path: Path, make: Callable[[Path], Submission]) -> None:
    try:
        found.submissions.append(make(path))
    except InputProblem as problem:
        found.skipped.append((clean_line(str(path)), clean_line(problem.reason)))


def _is_hub_layout(directory: Path) -> bool:
    return any(os.path.isfile(directory / name) for name in ("pipeline.py", INDEX))


def _hub_submission(directory: Path) -> Submission:
    """The pipeline file of a Hub repository: `pipeline.py`, or the module that `model_index.json` names."""
    files = _repository_files(directory)
    path = directory / "pipeline.py"
    if not os.path.isfile(path):
        path = directory / f"{_named_module(directory, files)}.py"
    loaded = path.name == main_module(files)
    return Submission(str(path), read_regular(path), directory, repository=files if loaded else None)


def _named_module(directory: Path, files: RepositoryFiles) -> str:
    named = files.named_module()
    if named:
        return named
    try:
        if isinstance(json.loads(files.index or b""), dict):
            raise InputProblem(directory, "no pipeline.py, and model_index.json names no custom pipeline file")
    except (ValueError, RecursionError):
        pass
    raise InputProblem(directory / INDEX, "not a JSON object")


def main_module(files: RepositoryFiles) -> str:
    """Return the module that `from_pretrained` of the repository runs, as far as it has one, else `pipeline.py`.

    `_resolve_custom_pipeline_and_cls` in diffusers 0.42's pipelines/pipeline_loading_utils.py.
    """
    named = f"{files.named_module()}.py"
    return named if named in files.names else "pipeline.py"


def _repository_files(directory: Path) -> RepositoryFiles:
    """What lies in a directory that is laid out as a Hub repository; hidden folders are no part of it."""
    names: list[str] = []
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(folder).relative_to(directory)
        names += [(here / name).as_posix() for name in files]
        if len(names) > _MAX_LISTED:
            break
    complete = len(names) <= _MAX_LISTED
    try:
        index = read_regular(directory / INDEX) if INDEX in names else None
    except InputProblem:
        index, complete = None, False
    return RepositoryFiles(frozenset(names), index, complete)
