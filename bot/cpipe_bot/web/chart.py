"""On which releases of diffusers a file loads, drawn as a bar along all of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cache

import markupsafe

from cpipe_check.api_index.lookup import load
from cpipe_check.api_index.versions import sort_key
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report.markup import Markup, join, tag
from cpipe_check.report.wording import runs as wording


@cache
def axis() -> tuple[str, ...]:
    """Return the releases that a bar stands for, from old to new."""
    return load().versions("diffusers")


def bars(runs: Sequence[LoadRange]) -> markupsafe.Markup:
    """Return a drawing of the runs: a release is one wide, a run that is not sure is lower."""
    known = axis()
    drawn = [_bar(run, known) for run in runs]
    shown = tag(
        "svg",
        join(drawn),
        class_="bars",
        viewBox=f"0 0 {len(known)} 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"loads on diffusers {wording(runs)}" if runs else "loads on no release of diffusers",
    )
    return markupsafe.Markup(shown)


def _bar(run: LoadRange, known: Sequence[str]) -> Markup:
    keys = [sort_key(version) for version in known]
    first = min(bisect_left(keys, sort_key(run.first)), len(known) - 1)
    last = min(bisect_left(keys, sort_key(run.last)), len(known) - 1)
    height = 10 if run.loads else 5
    shape = {"x": first, "y": 10 - height, "width": max(last - first, 0) + 1, "height": height}
    return tag("rect", class_="sure" if run.loads else "perhaps", **shape)
