"""Time the static check over the pipeline files of the installed diffusers, beside flake8 and libcst's parser alone.

Every program is started afresh for every run, in turn, with as many processes as there are cores; medians are printed.
Usage: python benchmarks/static_speed.py [RUNS]
"""

import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

PARSE_ALONE = """
import os, sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
import libcst

def parse(path):
    libcst.parse_module(Path(path).read_text(encoding="utf-8"))

with ProcessPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(parse, sys.argv[1:], chunksize=4))
"""


def pipeline_files() -> list[str]:
    """Return every `pipelines/**/pipeline_*.py` of the installed diffusers, without importing it."""
    spec = find_spec("diffusers")
    if spec is None or spec.origin is None:
        sys.exit("diffusers is not installed: pip install 'cpipe-check[smoke]'")
    return sorted(str(path) for path in Path(spec.origin).parent.glob("pipelines/**/pipeline_*.py"))


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{command[:4]} ended with exit code {done.returncode}: {done.stderr[-500:]}")
    return time.perf_counter() - start


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    files = pipeline_files()
    lines = sum(Path(file).read_text(encoding="utf-8").count("\n") for file in files)
    commands = {
        "cpipe-check --static": [sys.executable, "-m", "cpipe_check", "--static", *files],
        "libcst.parse_module alone": [sys.executable, "-c", PARSE_ALONE, *files],
        "flake8": [sys.executable, "-m", "flake8", "--max-line-length", "200", *files],
    }
    if find_spec("flake8") is None:
        del commands["flake8"]
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(seconds(command))
    ours = statistics.median(times["cpipe-check --static"])
    print(f"{len(files)} files, {lines} lines, median of {runs} runs")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:28} {median:7.2f} s   cpipe-check / this = {ours / median:.2f}")


if __name__ == "__main__":
    main()
