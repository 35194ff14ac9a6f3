"""Time a whole check with smoke-load of the one-step pipeline, beside importing torch and diffusers alone.

Usage: python benchmarks/smoke_speed.py [RUNS]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ONE_STEP = Path(__file__).parent.parent / "tests" / "pipelines" / "one_step_unet.py"
IMPORT = [sys.executable, "-c", "import torch; from diffusers import DiffusionPipeline"]
CHECK = [sys.executable, "-m", "cpipe_check", "--device", "cpu", str(ONE_STEP)]


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    pairs = [(seconds(CHECK), seconds(IMPORT)) for _ in range(runs)]
    check, imports = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"whole check {check:.2f} s, import alone {imports:.2f} s, median of {runs} runs")
    print(f"whole check - 1.5 x import = {check - 1.5 * imports:+.2f} s (the bound is +3 s)")


if __name__ == "__main__":
    main()
