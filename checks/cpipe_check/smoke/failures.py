"""An exception of a stage, as the author wants to read it: the error, and the frames in his own file."""

from __future__ import annotations

import linecache
import os
import traceback
from typing import Any

from cpipe_check.smoke.job import Job

_MAX_FRAMES = 5


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
