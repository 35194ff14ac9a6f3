"""How a task's process ended, in words."""

from __future__ import annotations

from cpipe_check.report.model import Frame
from cpipe_check.sandbox.limits import signal_name
from cpipe_check.sandbox.task import Limits, Outcome
from cpipe_check.text import clean_line


def over(limit: str, limits: Limits) -> str:
    """Return what a task was ended for, by the name of the limit that it exceeded."""
    return {
        "time": f"not finished after {limits.seconds:g} s",
        "memory": f"its processes took more than {limits.memory / (1 << 30):g} GB of memory",
        "files": f"it made more than {limits.files} files",
        "disk": f"it wrote more than {limits.disk / (1 << 30):g} GB",
        "output": f"it printed more than {limits.output >> 20} MB",
        "room": "the sandbox went down with it",
    }.get(limit, "its process sent what is no report")


def how(exit_code: int) -> str:
    """Return how a task's process ended, by its exit code."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code} and no report"
    return f"was killed by {signal_name(-exit_code)}"


def tail(outcome: Outcome) -> str:
    """Return the last line that a task printed."""
    return clean_line(outcome.output.strip().rpartition("\n")[2]) or "no output"


def frames(value: object) -> tuple[Frame, ...]:
    """Return the frames that a task reports, as far as they have the shape of frames."""
    found = []
    for item in value[:5] if isinstance(value, list) else ():
        match item:
            case {"line": int(line), "function": str(function), "code": str(code)}:
                found.append(Frame(line, clean_line(function, 80), clean_line(code, 200)))
    return tuple(found)
