"""cpipe-check: tells whether a diffusers community pipeline will load, save and run for everybody else.

    from cpipe_check import SmokeOptions, check, collect

    report = check(collect(["my_pipeline.py"]), smoke=SmokeOptions())

`check(collection, smoke=None)` gives the static check alone. Importing this package imports neither torch nor
diffusers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from cpipe_check.checker import check
    from cpipe_check.report.model import Report
    from cpipe_check.smoke.run import SmokeOptions
    from cpipe_check.submission import collect

__all__ = ["Report", "SmokeOptions", "__version__", "check", "collect"]

_HOMES = {
    "Report": "cpipe_check.report.model",
    "SmokeOptions": "cpipe_check.smoke.run",
    "check": "cpipe_check.checker",
    "collect": "cpipe_check.submission",
}


def __getattr__(name: str) -> Any:
    # libcst takes a tenth of a second to import: only those who check pay for it.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
