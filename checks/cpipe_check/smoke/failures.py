"""An exception of a stage, as the author wants to read it: the error, and the frames in his own file."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from importlib.util import find_spec
from typing import Any

from cpipe_check.smoke.job import Job

_MAX_FRAMES = 5


def lacking(error: BaseException, job: Job) -> str:
    """Return what this machine lacks, when that and not the file is why it failed; "" otherwise."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ in ("OfflineModeIsEnabled", "LocalEntryNotFoundError"):
            return "it downloads from the Hub while it loads or runs, and the smoke-load has no network"
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, ModuleNotFoundError) and error.name and error.__traceback__ is not None:
        root = error.name.partition(".")[0]
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename, job)]
        if own and root not in sys.modules and not root.startswith("diffusers") and find_spec(root) is None:
            return f"it needs a package that is not installed here: pip install {root}"
    return ""


def describe(error: BaseException, job: Job) -> dict[str, Any]:
    """Return the error on one line, and the frames of the submitted file, innermost first, at most five."""
    frames = []
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_own(frame.filename, job):
            code = frame.line or linecache.getline(frame.filename, frame.lineno or 1)
            frames.append({"line": frame.lineno or 1, "function": frame.name, "code": code.strip()[:200]})
    if isinstance(error, SyntaxError) and error.filename and _is_own(error.filename, job):
        frames.append({"line": error.lineno or 1, "function": "<module>", "code": (error.text or "").strip()[:200]})
    return {"reason": one_line(error, job), "frames": frames[:_MAX_FRAMES]}


def _is_own(filename: str, job: Job) -> bool:
    """The loader runs a copy of the file, under the modules cache in the scratch directory."""
    return filename.startswith(job.scratch) and os.path.basename(filename) == job.file_name


def one_line(error: BaseException, job: Job) -> str:
    """Return the error's type and message on one line, without the scratch directory's path."""
    text = " ".join(str(error).split())[:600].replace(job.scratch, "…")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
