"""What several renderers say in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report.model import Isolation

# What fails, by the stage that a finding breaks.
FAILS = {
    "load": "loading",
    "init": "loading",
    "components": "`pipe.components`",
    "reload": "loading what `save_pretrained` wrote",
    "repository": "loading the repository",
}
# Whose word a verdict is.
BASIS = "as reported by the file's own process"
_REMOTE_BASIS = "as reported by that machine"


def where(isolation: Isolation) -> str:
    """Return in what a smoke-load was run, and on whose machine where it was another one."""
    name = "without isolation" if isolation.name == "none" else f"in {isolation.name}"
    return f"{name} in {isolation.host}" if isolation.host else name


def basis(isolation: Isolation) -> str:
    """Return whose word a smoke-load's verdict is."""
    return _REMOTE_BASIS if isolation.host else BASIS


def releases(run: LoadRange) -> str:
    """Return the releases of a run: `0.21 - 0.42.1`, or the only one."""
    return run.first if run.first == run.last else f"{run.first} - {run.last}"


def runs(found: Sequence[LoadRange]) -> str:
    """Return the releases of all runs: `0.4 - 0.20, perhaps 0.21 - 0.42.1`."""
    return ", ".join(("" if run.loads else "perhaps ") + releases(run) for run in found)
