"""What several renderers say in the same words."""

from __future__ import annotations

from collections.abc import Sequence

from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report.model import Compatibility

# What fails, by the stage that a finding breaks.
FAILS = {
    "load": "loading",
    "init": "loading",
    "components": "`pipe.components`",
    "reload": "loading what `save_pretrained` wrote",
}


def loads_on(compatibility: Compatibility) -> str:
    """On one line: the releases of diffusers, and those of transformers where not all of them do."""
    found = compatibility.ranges.get("diffusers", ())
    if not found:
        return "loads on no release of diffusers"
    text = f"loads on diffusers {_runs(found)}"
    others = compatibility.ranges.get("transformers", ())
    if others and (others[0].before or others[-1].after or len(others) > 1):
        text += f", transformers {_runs(others)} (sampled)"
    return text


def releases(run: LoadRange) -> str:
    """`0.21 - 0.42.1`, or one release."""
    return run.first if run.first == run.last else f"{run.first} - {run.last}"


def _runs(found: Sequence[LoadRange]) -> str:
    """`0.4 - 0.20, perhaps 0.21 - 0.42.1`."""
    return ", ".join(("" if run.loads else "perhaps ") + releases(run) for run in found)
