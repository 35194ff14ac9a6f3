"""What several renderers say in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from cpipe_check.pipeline_file.load_range import LoadRange

# What fails, by the stage that a finding breaks.
FAILS = {
    "load": "loading",
    "init": "loading",
    "components": "`pipe.components`",
    "reload": "loading what `save_pretrained` wrote",
    "repository": "loading the repository",
}


def releases(run: LoadRange) -> str:
    """Return the releases of a run: `0.21 - 0.42.1`, or the only one."""
    return run.first if run.first == run.last else f"{run.first} - {run.last}"


def runs(found: Sequence[LoadRange]) -> str:
    """Return the releases of all runs: `0.4 - 0.20, perhaps 0.21 - 0.42.1`."""
    return ", ".join(("" if run.loads else "perhaps ") + releases(run) for run in found)
