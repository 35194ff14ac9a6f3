"""How many pipelines does the smoke-load run, with nothing but their own text to go by?

`python benchmarks/smoke_verdicts.py` takes each pipeline class that the installed diffusers exports, as a file with a
one-line subclass; `python benchmarks/smoke_verdicts.py DIR` takes the files of a directory. `--markdown FILE` writes
the table. What the text alone shows to be broken counts as `static`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cpipe_check import SmokeOptions, check, collect
from cpipe_check.report.model import FileReport, Verdict

_LIST = """
import diffusers
for name in sorted(dir(diffusers)):
    cls = getattr(diffusers, name, None)
    if isinstance(cls, type) and issubclass(cls, diffusers.DiffusionPipeline) and name != "DiffusionPipeline":
        if not cls.__module__.startswith("diffusers.utils.dummy"):
            print(name)
"""
_SUBCLASS = "from diffusers import {name}\n\n\nclass My{name}({name}):\n    pass\n"


def official_names() -> list[str]:
    """Return the names of the pipeline classes that the installed diffusers exports, placeholders left out."""
    done = subprocess.run([sys.executable, "-c", _LIST], capture_output=True, text=True, check=True)
    return done.stdout.split()


def main() -> None:
    """Run the smoke-loads and print what they came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--only", default="", help="a regular expression on names")
    parser.add_argument("--timeout", type=float, default=120)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = arguments.directory or Path(scratch)
        if arguments.directory is None:
            for name in official_names():
                (directory / f"{name}.py").write_text(_SUBCLASS.format(name=name))
        paths = [str(path) for path in sorted(directory.glob("*.py")) if re.search(arguments.only, path.stem)]
        start = time.monotonic()
        report = check(collect(paths), SmokeOptions(device="cpu", seconds=arguments.timeout))
        seconds = time.monotonic() - start
    rows = [(verdict_of(file), Path(file.path).stem, str(file.smoke.reason)) for file in report.files]
    print(summary(rows, seconds))
    print(table([row for row in rows if row[0] != "ran"]))
    if arguments.markdown:
        arguments.markdown.write_text(f"{summary(rows, seconds)}\n\n{table(sorted(rows))}\n")


def verdict_of(file: FileReport) -> str:
    """Return the verdict, or `static` where the text shows that there is nothing to run."""
    broken = any(finding.breaks in ("load", "init") for finding in file.findings)
    return "static" if broken and file.smoke.verdict is Verdict.NOT_RUN else file.smoke.verdict.value


def summary(rows: Sequence[tuple[str, str, str]], seconds: float) -> str:
    """Return one line: how many of each verdict."""
    counts = Counter(verdict for verdict, _, _ in rows)
    shown = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return f"{len(rows)} pipelines in {seconds:.0f} s: {shown}; {counts['ran'] / max(1, len(rows)):.0%} ran"


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {name} | {verdict} | {_cell(reason)} |" for verdict, name, reason in rows]
    return "\n".join(["| pipeline | verdict | reason |", "| --- | --- | --- |", *lines])


def _cell(text: str) -> str:
    text = re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= 160 else text[:159] + "…"


if __name__ == "__main__":
    main()
