"""The command's `--fix` and `--diff`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from cpipe_check.finding import Finding
from cpipe_check.fix_files import write
from cpipe_check.fixing import Fixed, unified
from cpipe_check.submission import Collection, InputProblem, Submission
from cpipe_check.text import clean_line, clean_source_line, inert_in_logs


def show_diff(collection: Collection, fixes: Iterable[tuple[Submission, Fixed]], quiet: bool) -> int:
    """Show what the fixes would change, and change nothing; return the exit code: 1 when there is something."""
    files = findings = 0
    for submission, fixed in fixes:
        if fixed.content != submission.content:
            files += 1
            findings += len(fixed.mended)
            _show(unified(submission.path, submission.content, fixed.content))
    if not quiet:
        _say(f"would fix {_counted(findings, 'finding')} in {_counted(files, 'file')}" if files else "nothing to fix")
    for problem in collection.problems:
        _say(problem)
    return 2 if collection.problems else int(files > 0)


def make_fixes(collection: Collection, fixes: Iterable[tuple[Submission, Fixed]], quiet: bool) -> Collection:
    """Write the fixes into their files, what came from standard input to standard output; return what is there now."""
    now, problems = [], list(collection.problems)
    mended = remaining = 0
    for submission, fixed in fixes:
        try:
            _put(submission, fixed)
        except InputProblem as problem:
            problems.append(clean_line(str(problem)))
            remaining += len(fixed.mended)
            now.append(submission)
        else:
            mended += len(fixed.mended)
            now.append(replace(submission, content=fixed.content))
        remaining += len(fixed.remaining)
        for finding in fixed.refused:
            _say(f"{submission.path}: {_why_not(finding)}")
    if not quiet and mended + remaining:
        _say(f"fixed {mended} of {_counted(mended + remaining, 'finding')}")
    return Collection(tuple(now), collection.skipped, tuple(problems))


def _put(submission: Submission, fixed: Fixed) -> None:
    if not submission.on_disk:
        sys.stdout.buffer.write(fixed.content)
        sys.stdout.buffer.flush()
    elif fixed.content != submission.content:
        write(Path(submission.path), submission.content, fixed.content)


def _why_not(finding: Finding) -> str:
    return f"the fix of {finding.code} in line {finding.span.line} was not made: it would not mend the file"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _show(diff: str) -> None:
    """A patch goes out byte for byte; on a terminal or in a log, what is in it could give commands."""
    if sys.stdout.isatty() or "GITHUB_ACTIONS" in os.environ:
        diff = inert_in_logs("".join(clean_source_line(line) + "\n" for line in diff.split("\n")[:-1]))
    sys.stdout.buffer.write(diff.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _say(text: str) -> None:
    click.echo(inert_in_logs(f"cpipe-check: {clean_line(text)}"), err=True)
