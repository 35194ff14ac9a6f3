"""Time what the verdict for every indexed release costs, beside the verdict for one and libcst's parser alone.

In one process, over the pipeline files of the installed diffusers or the files given. Prints the median milliseconds a
file of (a) the parser, (b) the static check for one release, (c) the same and the ranges over all releases of both
libraries; then c / b and c - a with their bounds, and what loading the index costs once. A file counts with its fastest
run. The installed files import relatively: give community pipelines to see what their look-ups cost.
Usage: python benchmarks/versions_speed.py [FILE ...]
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import libcst

from cpipe_check import pipeline_file
from cpipe_check.api_index.target import LIBRARIES, Target, resolve
from cpipe_check.pipeline_file.compatibility import loads, ranges
from cpipe_check.pipeline_file.parsing import with_deep_stack
from cpipe_check.static import findings

RUNS = 3


def pipeline_files() -> list[str]:
    """Return every `pipelines/**/pipeline_*.py` of the installed diffusers, without importing it."""
    spec = find_spec("diffusers")
    if spec is None or spec.origin is None:
        sys.exit("diffusers is not installed: pip install 'cpipe-check[smoke]'")
    return sorted(str(path) for path in Path(spec.origin).parent.glob("pipelines/**/pipeline_*.py"))


def one_release(name: str, content: bytes, target: Target) -> pipeline_file.PipelineFile:
    file = pipeline_file.read(name, content, target=target)
    findings(file)
    loads(file)
    return file


def all_releases(name: str, content: bytes, target: Target) -> None:
    file = one_release(name, content, target)
    for library in LIBRARIES:
        ranges(file, library, True)


def milliseconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def measure(path: str, target: Target) -> tuple[float, float, float]:
    """Return the milliseconds of a, b and c for one file, each the fastest of some runs."""
    content, name = Path(path).read_bytes(), Path(path).name
    runs = [
        (
            milliseconds(lambda: libcst.parse_module(content)),
            milliseconds(lambda: one_release(name, content, target)),
            milliseconds(lambda: all_releases(name, content, target)),
        )
        for _ in range(RUNS)
    ]
    a, b, c = (min(times) for times in zip(*runs, strict=True))
    return a, b, c


def main() -> None:
    files = sys.argv[1:] or pipeline_files()
    loading = milliseconds(resolve)
    target = resolve()
    releases = " and ".join(f"{len(target.choice(library).versions)} of {library}" for library in LIBRARIES)
    # The first file also pays for the parts of the index that are unpacked when first asked for.
    first = milliseconds(lambda: with_deep_stack(lambda: measure(files[0], target)))
    warm = milliseconds(lambda: with_deep_stack(lambda: measure(files[0], target)))
    rows = [with_deep_stack(lambda path=path: measure(path, target)) for path in files]
    a, b, c = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{len(files)} files, {releases} releases, median ms a file, fastest of {RUNS} runs")
    print(f"(a) libcst.parse_module alone    {a:7.2f}")
    print(f"(b) static check, one release    {b:7.2f}")
    print(f"(c) static check, all releases   {c:7.2f}")
    print(f"c / b = {c / b:.3f} (the bound is 1.3), worst file {max(row[2] / row[1] for row in rows):.3f}")
    print(f"c - a = {c - a:.2f} ms (the bound is 15 ms), worst file {max(row[2] - row[0] for row in rows):.2f} ms")
    print(f"loading the index, once: {loading:.1f} ms, and {max(first - warm, 0):.1f} ms more in the first file")


if __name__ == "__main__":
    main()
