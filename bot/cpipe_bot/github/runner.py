"""What GitHub's runner hands to a step and takes from it: the event's payload, files for outputs and the summary."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The runner refuses a summary of more than 1 MiB.
MAX_SUMMARY = 1_000_000
_CUT = "\n\nThis summary was cut: it is too long for GitHub. The artifact has all of it.\n"


@dataclass(frozen=True, slots=True)
class Runner:
    """A step's environment files. Outside of GitHub's runner there are none, and nothing is written."""

    output: Path | None = None
    summary: Path | None = None

    def set_outputs(self, values: Mapping[str, str]) -> None:
        """Set the step's outputs. No value can end early, or set another."""
        if self.output is not None:
            with self.output.open("a", encoding="utf-8", newline="\n") as file:
                for name, value in values.items():
                    # Nobody can guess the line that ends it.
                    end = f"end_{uuid.uuid4().hex}"
                    file.write(f"{name}<<{end}\n{value}\n{end}\n")

    def summarize(self, markdown: str) -> None:
        """Add to the job's summary, cut between two blocks where it is too long."""
        if self.summary is not None:
            with self.summary.open("a", encoding="utf-8", newline="\n") as file:
                file.write(shortened(markdown))


def from_environment(environment: Mapping[str, str] = os.environ) -> Runner:
    """Return the files that the runner's variables name."""
    output, summary = environment.get("GITHUB_OUTPUT"), environment.get("GITHUB_STEP_SUMMARY")
    return Runner(Path(output) if output else None, Path(summary) if summary else None)


def commits_of_event(environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Return the pull request's head and base commits by the event's payload, "" for what it does not tell."""
    try:
        pull = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_bytes())["pull_request"]
        return str(pull["head"]["sha"]), str(pull["base"]["sha"])
    except (KeyError, TypeError, OSError, ValueError, RecursionError):
        return "", ""


def shortened(markdown: str, limit: int = MAX_SUMMARY) -> str:
    """Return Markdown of at most `limit` bytes, cut outside of fences and folds, with a note that it was."""
    if len(markdown.encode()) <= limit:
        return markdown
    room = limit - len(_CUT.encode())
    kept: list[str] = []
    whole = 0
    fence = ""
    folds = 0
    for line in markdown.splitlines(keepends=True):
        room -= len(line.encode())
        if room < 0:
            break
        kept.append(line)
        ticks = line[: len(line) - len(line.lstrip("`"))]
        if fence:
            fence = "" if len(ticks) >= len(fence) and line.strip() == ticks else fence
        elif len(ticks) >= 3:
            fence = ticks
        else:
            folds += line.count("<details>") - line.count("</details>")
        if not fence and folds == 0 and not line.strip():
            whole = len(kept)
    return "".join(kept[:whole]).rstrip() + _CUT
