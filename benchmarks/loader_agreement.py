"""Compare the static verdict with the real loader of several diffusers releases, over diffusers' own history.

Takes every distinct version of examples/community/*.py in the history of a clone, makes an environment for each release
(or reuses it), and runs each file through that environment's loader with third packages stubbed as installed. Prints a
confusion matrix per release and every disagreement with its real error. Exits with 1 on a false alarm.
It runs the files: use a clone that you trust.

Usage: python benchmarks/loader_agreement.py --clone DIR [--limit N] [--envs DIR] [--diffusers VERSION ...]
An environment is DIR/diffusers-VERSION; pip's own settings say where torch comes from, such as
PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check_static
from cpipe_check.submission import Submission

# What goes together: diffusers, transformers, huggingface_hub, accelerate.
TOGETHER = {
    "0.25.1": ("4.36.2", "0.23.4", "0.30.1"),
    "0.30.3": ("4.44.2", "0.24.7", "0.33.0"),
    "0.33.1": ("4.57.6", "0.36.0", "1.12.0"),
    "0.36.0": ("4.57.6", "0.36.0", "1.12.0"),
    "0.42.1": ("5.23.0", "2.4.0", "1.15.0"),
}
TORCH = "2.13.0"
SECONDS = 60
WORKER = Path(__file__).with_name("agreement_worker.py")


class Environment:
    """A virtual environment with one release of diffusers, and its loader in a process that stays warm."""

    def __init__(self, directory: Path, diffusers: str) -> None:
        python = directory / "bin" / "python"
        if not python.exists():
            self.make(directory, diffusers)
        self.process = subprocess.Popen(
            [python, WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        ready = self.process.stdout.readline()
        if not ready:
            sys.exit(f"{python} cannot import diffusers and transformers; remove {directory} to have it made anew")
        self.diffusers, self.transformers = json.loads(ready)
        if self.diffusers != diffusers:
            sys.exit(f"{directory} holds diffusers {self.diffusers}; remove it to have {diffusers} installed")

    @staticmethod
    def make(directory: Path, diffusers: str) -> None:
        transformers, hub, accelerate = TOGETHER[diffusers]
        pins = {"torch": TORCH, "transformers": transformers, "huggingface_hub": hub, "accelerate": accelerate}
        print(f"making {directory} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
            constraints.write("".join(f"{name}=={version}\n" for name, version in pins.items()))
            constraints.flush()
            pip = [directory / "bin" / "python", "-m", "pip", "install", "-q", "-c", constraints.name]
            subprocess.run([*pip, f"diffusers=={diffusers}", *pins], check=True)

    def load(self, name: str, content: bytes) -> str:
        """Return the real loader's error, "" for none."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            file = Path(scratch) / name
            file.write_bytes(content)
            self.process.stdin.write(json.dumps([str(file), scratch, SECONDS]) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline()).replace(scratch, "")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def history(clone: Path, limit: int | None) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, blob and content of every version of the community files, or of *limit* spread over their history."""
    git = ["git", "--git-dir", clone / ".git" if (clone / ".git").exists() else clone]
    log = [*git, "log", "--reverse", "--raw", "--no-abbrev", "--no-renames", "--format=", "--diff-filter=AM"]
    lines = subprocess.run([*log, "--", ":(glob)examples/community/*.py"], capture_output=True, text=True, check=True)
    # A line is `:MODE MODE OLD NEW STATUS<tab>PATH`. One blob may have stood under two names.
    found = dict.fromkeys((Path(line.split("\t")[1]).name, line.split()[3]) for line in lines.stdout.splitlines())
    versions = list(found)
    if limit and limit < len(versions):
        versions = [versions[i * len(versions) // limit] for i in range(limit)]
    for name, blob in versions:
        yield name, blob, subprocess.run([*git, "cat-file", "blob", blob], capture_output=True, check=True).stdout


def compare(environment: Environment, files: list[tuple[str, str, bytes]]) -> int:
    """Print the confusion matrix and the disagreements of one release. Return the number of false alarms."""
    target = resolve(environment.diffusers, environment.transformers)
    counts: Counter[tuple[bool, bool | None]] = Counter()
    disagreements = []
    for name, blob, content in files:
        error = environment.load(name, content)
        static = check_static(Submission(name, content, None), target)
        predicted = static.compatibility.loads
        counts[not error, predicted] += 1
        if predicted is None or predicted == (not error):
            continue
        claims = "; ".join(f"{f.code} {f.message}" for f in static.findings if f.breaks == "load")
        kind = f"false alarm: {claims}, but it loads" if predicted is False else f"missed: {' '.join(error.split())}"
        disagreements.append(f"  {name} {blob[:10]} {kind[:300]}")
    print(f"diffusers {environment.diffusers}, transformers {environment.transformers}: {len(files)} files")
    print(f"  {'':12} {'predicted: loads':>18} {'fails':>12} {'cannot tell':>12}")
    for real, label in ((True, "really loads"), (False, "really fails")):
        print(f"  {label:12} {counts[real, True]:18} {counts[real, False]:12} {counts[real, None]:12}")
    alarms, failed = counts[True, False], sum(counts[False, claim] for claim in (True, False, None))
    print(f"  false alarms {alarms}, failures found {counts[False, False]} of {failed}")
    print(*disagreements, "", sep="\n", flush=True)
    return alarms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clone", type=Path, required=True, help="git directory or work tree of diffusers")
    parser.add_argument("--diffusers", action="append", choices=TOGETHER, help="a release; all of them when left out")
    parser.add_argument("--envs", type=Path, default=Path("build/agreement"), help="where the environments are")
    parser.add_argument("--limit", type=int, help="take so many files, evenly spread over the history")
    options = parser.parse_args()
    files = list(history(options.clone, options.limit))
    alarms = 0
    for version in options.diffusers or TOGETHER:
        environment = Environment(options.envs.absolute() / f"diffusers-{version}", version)
        alarms += compare(environment, files)
        environment.close()
    sys.exit(1 if alarms else 0)


if __name__ == "__main__":
    main()
