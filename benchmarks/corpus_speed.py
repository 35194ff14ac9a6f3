"""Time the smoke-load of a whole directory of pipeline files, beside one fresh process for each file.

(a) is what `cpipe-check --jobs auto DIR` does: rooms side by side, each warm after its first imports. (b) is a process
`cpipe-check --jobs 1 FILE` for each file, as many at a time as there are processors, so that both use all of them. Both
check the same way, on the CPU. With --sample N, (b) does N of the files, evenly spread, and what all would take is
extrapolated by their number. Prints the seconds, their ratio, and for (a) what a warm file costs beside the seconds of
its own stages, for the files that ran.
Usage: python benchmarks/corpus_speed.py DIR [--sample N] [--timeout SECONDS]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cpipe_check.progress import Step
    from cpipe_check.report.model import FileReport, Report


class Clock:
    """When each file's smoke-load began and was done."""

    def __init__(self) -> None:
        self.began: dict[int, float] = {}
        self.done: dict[int, float] = {}
        # The files that a room was opened for, with all its imports.
        self.cold: set[int] = set()

    def tell(self, step: Step) -> None:
        """Note a step."""
        if step.phase == "smoke-load":
            now = time.perf_counter()
            if step.stage == "start" and step.index in self.began:
                self.cold.add(step.index)
            self.began.setdefault(step.index, now)
            if not step.stage:
                self.done[step.index] = now


def whole(directory: str, timeout: float) -> tuple[float, Report, Clock]:
    """Check a directory as the command does; return the seconds, the report and the clock."""
    start, clock = time.perf_counter(), Clock()
    from cpipe_check.checker import check
    from cpipe_check.smoke.run import SmokeOptions
    from cpipe_check.submission import collect

    report = check(collect([directory]), SmokeOptions(device="cpu", seconds=timeout), clock.tell)
    return time.perf_counter() - start, report, clock


def alone(path: str, timeout: float) -> str:
    """Check one file in a fresh process and return the verdict."""
    options = ["--jobs", "1", "--device", "cpu", "--timeout", str(timeout), "--output-format", "json"]
    command = [sys.executable, "-m", "cpipe_check", *options, path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return str(json.loads(done.stdout)["files"][0]["smoke"]["verdict"])


def overheads(report: Report, clock: Clock) -> list[tuple[float, FileReport]]:
    """Return the seconds of each warm file that ran beyond those of its stages, with the file."""
    # The files with something to smoke-load, in the order of their indexes.
    loaded = [file for file in report.files if file.smoke.isolation.name]
    return [
        (clock.done[index] - clock.began[index] - sum(stage.seconds for stage in file.smoke.stages), file)
        for index, file in enumerate(loaded)
        if file.smoke.verdict.value == "ran" and index not in clock.cold
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--at-a-time", type=int, default=len(os.sched_getaffinity(0)), help="of the fresh processes")
    arguments = parser.parse_args()
    fast, report, clock = whole(arguments.directory, arguments.timeout)
    files = list(report.files)
    count = min(arguments.sample or len(files), len(files))
    sample = [files[index * len(files) // count] for index in range(count)]
    processes = arguments.at_a_time
    start = time.perf_counter()
    with ThreadPoolExecutor(processes) as executor:
        verdicts = list(executor.map(lambda file: alone(str(file.path), arguments.timeout), sample))
    taken = time.perf_counter() - start
    slow = taken * len(files) / count
    how = f"extrapolated from {count} files in {taken:.0f} s" if count < len(files) else "all of them"
    tally = {name: sum(f.smoke.verdict.value == name for f in files) for name in ("ran", "failed", "not run")}
    others = sum(verdict != file.smoke.verdict.value for verdict, file in zip(verdicts, sample, strict=True))
    print(f"{len(files)} files: " + ", ".join(f"{number} {name}" for name, number in tally.items()))
    print(f"(a) one run, --jobs auto                       {fast:8.1f} s")
    print(f"(b) a fresh process a file, {processes:2} at a time        {slow:8.1f} s ({how})")
    print(f"b / a = {slow / fast:.2f} (the bound is 5), {others} of {count} verdicts differ")
    beyond = overheads(report, clock)
    if beyond:
        seconds = sorted(value for value, _ in beyond)
        print(
            f"a warm file that ran, beyond its stages: median {statistics.median(seconds):.2f} s, "
            f"mean {statistics.mean(seconds):.2f} s, most {seconds[-1]:.2f} s (the bound is 0.5 s)"
        )
        own = [sum(stage.seconds for stage in file.smoke.stages) for _, file in beyond]
        reference = [file.smoke.stages[0].seconds for _, file in beyond]
        print(
            f"its stages: median {statistics.median(own):.2f} s, of it {statistics.median(reference):.2f} s reference"
        )


if __name__ == "__main__":
    main()
