"""What several renderers say in the same words."""

from __future__ import annotations

from cpipe_check.pipeline_file.load_range import LoadRange

# What fails, by the stage that a finding breaks.
FAILS = {
    "load": "loading",
    "init": "loading",
    "components": "`pipe.components`",
    "reload": "loading what `save_pretrained` wrote",
}


def releases(run: LoadRange) -> str:
    """Return the releases of a run: `0.21 - 0.42.1`, or the only one."""
    return run.first if run.first == run.last else f"{run.first} - {run.last}"
