"""The static verdict against recorded runs of the real loader, over files from the history of diffusers.

Prints every disagreement: the file, the versions, the prediction and the real error.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check_static
from cpipe_check.submission import Submission

TRUTH = os.environ.get("CPIPE_CHECK_TRUTH", "")
CLONE = os.environ.get("CPIPE_CHECK_DIFFUSERS_CLONE", "")
target = lru_cache(resolve)


@contextmanager
def blobs(clone: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that gives the content of git blobs."""
    directory = clone / ".git" if (clone / ".git").exists() else clone
    command = ["git", "--git-dir", str(directory), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process


def content(process: subprocess.Popen[bytes], blob: str) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(blob.encode() + b"\n")
    process.stdin.flush()
    header = process.stdout.readline().split()
    assert header[1:2] == [b"blob"], f"{CLONE} has no blob {blob}: {header}"
    return process.stdout.read(int(header[2]) + 1)[:-1]


@pytest.mark.slow
@pytest.mark.skipif(not TRUTH, reason="CPIPE_CHECK_TRUTH names no loader_truth.jsonl")
@pytest.mark.skipif(not CLONE, reason="CPIPE_CHECK_DIFFUSERS_CLONE names no clone of diffusers with its history")
def test_agrees_with_recorded_runs() -> None:
    rows = [json.loads(line) for line in Path(TRUTH).read_text(encoding="utf-8").splitlines()]
    counts: Counter[tuple[str, bool | None]] = Counter()
    with blobs(Path(CLONE)) as process:
        for row in rows:
            if row["environment_artefact"]:
                continue
            submission = Submission(row["file"], content(process, row["blob"]), None)
            static = check_static(submission, target(row["diffusers"], row["transformers"]))
            loads = static.compatibility.loads
            counts[row["outcome"], loads] += 1
            if (row["outcome"] == "fail") != (loads is False):
                versions = f"diffusers {row['diffusers']}, transformers {row['transformers']}"
                claims = [finding.message for finding in static.findings if finding.breaks == "load"]
                print(f"{row['file']} {row['blob'][:10]} on {versions}: predicted {loads} {claims}")
                print(f"    really {row['outcome']}: {row['error'].splitlines()[:1]}")
    failed = sum(number for (outcome, _), number in counts.items() if outcome == "fail")
    print(dict(counts))
    assert counts["ok", False] == 0
    assert counts["ok", True] > 0
    assert counts["fail", False] >= 0.99 * failed > 0
