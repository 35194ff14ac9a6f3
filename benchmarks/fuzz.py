"""Run the static check and the renderers on mutated pipeline files, each in a forked process that is measured.

Prints the most seconds of CPU time and the most memory that one input took. Fails for an exception, a process that
died, more than 5 s or more than 500 MB, and writes such inputs to the directory `fuzz-failures`. Linux only.
Usage: python benchmarks/fuzz.py COUNT [--seed SEED] [--processes N] [--only INDEX]
"""

import argparse
import gc
import random
import sys
import time
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cpipe_check.api_index.target import Target, resolve
from cpipe_check.workers import Limits, Lost, in_workers

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from mutated import BASES, KINDS, Step, mutate, run

SECONDS = 5.0
MEMORY = 500e6
LIMITS = Limits(seconds=120, memory=2 << 30)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one input took: seconds of CPU time, the most bytes its process had; and what was raised, "" for nothing."""

    seconds: float
    memory: int
    error: str


def content(seed: int, index: int) -> bytes:
    """Return the input of that number: a base file after one to twelve steps."""
    chance = random.Random(f"{seed} {index}")
    steps = [
        Step(chance.randrange(len(KINDS)), *(chance.randrange(1 << 16) for _ in range(4)))
        for _ in range(chance.randint(1, 12))
    ]
    return mutate(chance.choice(BASES), steps)


def cost(index: int, seed: int, target: Target) -> Cost:
    """Run one input. Forgets the peak of those before: 5 in `clear_refs` does that (man 5 proc)."""
    made = content(seed, index)
    if index % 256 == 0:
        # A worker does without the collector; the renderers, which are no work of a worker, leave cycles.
        gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    start = time.process_time()
    error = ""
    try:
        run(made, target)
    except BaseException:
        error = traceback.format_exc(limit=-3)
    seconds = time.process_time() - start
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    return Cost(seconds, int(peak) * 1024, error)


def failure(result: Cost | Lost) -> str:
    match result:
        case Lost(reason):
            return reason
        case Cost(seconds, memory, error) if error or seconds > SECONDS or memory > MEMORY:
            return error or f"{seconds:.1f} s, {memory / 1e6:.0f} MB"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", type=int, help="write this one input to standard output")
    options = parser.parse_args()
    if options.only is not None:
        sys.stdout.buffer.write(content(options.seed, options.only))
        return
    failures, slowest, largest = 0, (0.0, -1), (0, -1)
    since = time.monotonic()
    results = in_workers(
        partial(cost, seed=options.seed, target=resolve()), range(options.count), options.processes, LIMITS
    )
    for index, result in enumerate(results):
        if isinstance(result, Cost):
            slowest = max(slowest, (result.seconds, index))
            largest = max(largest, (result.memory, index))
        if reason := failure(result):
            failures += 1
            print(f"input {index}: {reason}", flush=True)
            Path("fuzz-failures").mkdir(exist_ok=True)
            Path("fuzz-failures", f"{options.seed}-{index}.py").write_bytes(content(options.seed, index))
        if (index + 1) % 1000 == 0 or index + 1 == options.count:
            print(
                f"seed {options.seed}: {index + 1} inputs, {failures} failures; at most {slowest[0]:.2f} s (input "
                f"{slowest[1]}), {largest[0] / 1e6:.0f} MB (input {largest[1]}); {time.monotonic() - since:.0f} s",
                flush=True,
            )
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
