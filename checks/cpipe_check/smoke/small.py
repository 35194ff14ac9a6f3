"""Small numbers for parameters whose defaults make a call large: sizes in pixels, and how often to repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cpipe_check.smoke.job import Argument
from cpipe_check.smoke.values import Setting

# Sizes of pictures and of what they are cut into. A bare height or width is asked for elsewhere.
_PIXELS = re.compile(
    r"(^|_)(tiles?|patch|crop|window|canvas|res|resolution|stride|overlap|border|slice|image_size|(max|min)_size)(_|$)"
)
# Such words also measure what is no picture.
_NO_PIXELS = re.compile(
    r"(^|_)(temporal|frames?|latents?|context|batch|text|token|sequence|length|kernel|seconds)(_|$)"
)
_REPEATED = re.compile(
    r"(^|_)(iters?|iterations?|repeats?|repetitions?|epochs?|rounds?|trials?|restarts?|ensemble_size"
    r"|(inner|outer|interpolation|optimization|training|train)_steps)$"
)
_MANY = 5
# Sizes are multiples of what most autoencoders make smaller.
_STEP = 8


def small_numbers(arguments: Sequence[Argument], setting: Setting) -> Mapping[str, int]:
    """Return numbers by parameter for those whose defaults are so large that the call takes long.

    Sizes are made smaller all by the same factor, so that what is less than another stays less. Where that cannot be,
    and where the reference's own size decides, they are left as they are.
    """
    defaults = {a.name: int(a.default) for a in arguments if a.default is not None and a.default.isdecimal()}
    repeated = {n: min(setting.steps, d) for n, d in defaults.items() if d > _MANY and _REPEATED.search(n)}
    return {**repeated, **_sizes(defaults, setting)}


def _sizes(defaults: Mapping[str, int], setting: Setting) -> Mapping[str, int]:
    pixels = {n: d for n, d in defaults.items() if d and _PIXELS.search(n) and not _NO_PIXELS.search(n)}
    largest = max(pixels.values(), default=0)
    if not setting.size_known or largest <= 2 * setting.image_size:
        return {}
    sizes = {n: max(d * setting.image_size // largest // _STEP, 1) * _STEP for n, d in pixels.items()}
    return sizes if len(set(sizes.values())) == len(set(pixels.values())) else {}
