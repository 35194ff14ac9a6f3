"""What the command's paths come to: those on this machine, and those on the Hub for as long as the command runs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from cpipe_check.cli_parts import Unserved
from cpipe_check.progress import Spinner, Step
from cpipe_check.snapshot.source import is_source
from cpipe_check.submission import Collection, collect
from cpipe_check.text import clean_line


def gathered(paths: Sequence[str], stdin: bytes, stdin_filename: str, *, fix: bool, quiet: bool) -> Collection:
    """Return the submissions that the paths name, those on the Hub last.

    Raises:
        UsageError: with `fix`, when there are files on the Hub.
        Unserved: when a repository cannot be had from the Hub.
    """
    sources = [path for path in dict.fromkeys(paths) if is_source(path)]
    local = [path for path in paths if path not in sources]
    if fix and sources:
        raise click.UsageError(f"--fix changes files, and {sources[0]} is on the Hub; --diff shows what to change")
    if not sources:
        return collect(local, stdin, stdin_filename)
    found = collect(local, stdin, stdin_filename)
    directory = Path(click.get_current_context().with_resource(tempfile.TemporaryDirectory(prefix="cpipe-check-")))
    with Spinner(quiet=quiet) as spinner:
        for index, source in enumerate(sources):
            found = _joined(found, _fetched(source, directory / str(index), spinner))
    return found


def _fetched(source: str, directory: Path, spinner: Spinner) -> Collection:
    from cpipe_check.snapshot import BadSource, SnapshotError, submissions, take

    try:
        snapshot = take(source, directory, tell=lambda what: spinner.tell(Step("snapshot", 0, 1, source, what)))
    except BadSource as error:
        return Collection((), (), (clean_line(str(error)),))
    except SnapshotError as error:
        raise Unserved(f"{clean_line(source, 300)}: {error}") from None
    return submissions(snapshot)


def _joined(one: Collection, other: Collection) -> Collection:
    return Collection(one.submissions + other.submissions, one.skipped + other.skipped, one.problems + other.problems)
