"""Fixing files on disk: what the fixes come to, and writing them so that no file is ever half-written."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from cpipe_check.api_index.target import Target
from cpipe_check.checker import check_static, within_limits
from cpipe_check.config import NO_RECIPES, Recipes
from cpipe_check.finding import Finding
from cpipe_check.fixing import Fixed, fixed
from cpipe_check.selection import EVERYTHING, Selection
from cpipe_check.submission import InputProblem, Submission, read_regular
from cpipe_check.workers import Lost


def fix_all(
    submissions: Sequence[Submission],
    target: Target,
    recipes: Recipes = NO_RECIPES,
    selection: Selection = EVERYTHING,
) -> Iterator[tuple[Submission, Fixed]]:
    """Yield each submission with its fixes made, in order. Writes nothing, and runs nothing of a file.

    A file that a directory was searched for and that is no pipeline file stays as it is, and so does one that takes
    more time or memory than the static check is given.
    """
    task = partial(_fix, target=target, recipes=recipes, selection=selection)
    for submission, result in within_limits(task, submissions):
        yield submission, Fixed(submission.content) if isinstance(result, Lost) else result


def _fix(submission: Submission, target: Target, recipes: Recipes, selection: Selection) -> Fixed:
    first = check_static(submission, target, recipes, selection)
    if submission.discovered and not first.defines_pipeline:
        return Fixed(submission.content)

    def find(content: bytes) -> Sequence[Finding]:
        if content == submission.content:
            return first.findings
        return check_static(replace(submission, content=content), target, recipes, selection).findings

    return fixed(submission.content, find)


def write(path: Path, before: bytes, after: bytes) -> None:
    """Put `after` in the place of `before` in a regular file, all at once or not at all; its mode stays.

    Raises:
        InputProblem: when it is a link or read-only, holds something else than `before`, or cannot be written.
    """
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            raise InputProblem(path, "not fixed: a symbolic link or no regular file; give the file itself")
        if not mode & 0o222 or not os.access(path, os.W_OK):
            raise InputProblem(path, "not fixed: read-only; make it writable (chmod +w)")
        if read_regular(path) != before:
            raise InputProblem(path, "not fixed: it has changed meanwhile")
        _replace(path, after)
    except OSError as error:
        raise InputProblem(path, f"not fixed: {error.strerror or 'cannot be written'}") from None


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
