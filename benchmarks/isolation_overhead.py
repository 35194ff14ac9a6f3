"""Time a warm smoke-load of the one-step pipeline in each kind of room, beside the same without isolation.

Usage: python benchmarks/isolation_overhead.py [RUNS]
"""

import os
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from cpipe_check.report.model import Verdict
from cpipe_check.smoke.job import Argument, Signature
from cpipe_check.smoke.run import SmokeOptions, Smoker, SmokeTarget

ONE_STEP = Path(__file__).parent.parent / "tests" / "pipelines" / "one_step_unet.py"
COMPONENTS = tuple(Argument(name, "positional", None, None) for name in ("unet", "scheduler"))
TARGET = SmokeTarget("UnetSchedulerOneForwardPipeline", Signature(COMPONENTS), Signature(()), (), ())


def main() -> None:
    """Take turns, so that all kinds of room meet the same load of the machine."""
    os.environ.pop("CI", None)
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seconds: dict[str, list[float]] = {"none": [], "landlock": [], "bwrap": []}
    with ExitStack() as stack:
        smokers = {
            name: stack.enter_context(Smoker(SmokeOptions(device="cpu", isolation=name, trusted=True)))
            for name in seconds
        }
        for run in range(runs + 2):
            for name, smoker in smokers.items():
                start = time.perf_counter()
                result = smoker.smoke_load(TARGET, {"one_step_unet.py": ONE_STEP.read_bytes()})
                taken = time.perf_counter() - start
                assert result.verdict is Verdict.RAN, result.reason
                if run >= 2:
                    seconds[name].append(taken)
    bare = statistics.median(seconds["none"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:9} {1000 * median:6.0f} ms a file, {1000 * (median - bare):+5.0f} ms, {median / bare:.2f} x")


if __name__ == "__main__":
    main()
