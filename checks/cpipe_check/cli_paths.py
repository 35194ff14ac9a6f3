"""What the command's paths come to: those on this machine, and those on the Hub for as long as the command runs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpipe_check.cli_parts import Unserved
from cpipe_check.progress import Spinner, Step
from cpipe_check.snapshot.source import is_source
from cpipe_check.submission import Collection, collect
from cpipe_check.text import clean_line

if TYPE_CHECKING:
    from cpipe_check.smoke.run import SmokeOptions
    from cpipe_check.snapshot import Snapshot


def gathered(
    paths: Sequence[str],
    stdin: bytes,
    stdin_filename: str,
    options: SmokeOptions | None,
    own_weights: int = 0,
    *,
    fix: bool,
    quiet: bool,
) -> tuple[Collection, SmokeOptions | None]:
    """Return the submissions that the paths name, those on the Hub last, and the options to smoke-load them with.

    With `own_weights`, a size in bytes, the reference is what the one repository that is named has itself.

    Raises:
        UsageError: with `fix`, when there are files on the Hub; with `own_weights`, when there is anything else.
        Unserved: when a repository cannot be had from the Hub.
    """
    sources = [path for path in dict.fromkeys(paths) if is_source(path)]
    local = [path for path in paths if path not in sources]
    if fix and sources:
        raise click.UsageError(f"--fix changes files, and {sources[0]} is on the Hub; --diff shows what to change")
    if own_weights and not (len(paths) == 1 and _may_have_a_model(paths[0])):
        raise click.UsageError("--own-weights is for one repository with a model: hub:OWNER/NAME")
    found = collect(local, stdin, stdin_filename)
    if not sources:
        return found, options
    with Spinner(quiet=quiet) as spinner:
        for source in sources:
            snapshot, fetched = _fetched(source, spinner)
            found = _joined(found, fetched)
            if own_weights and options is not None and snapshot is not None and fetched.submissions:
                options = _with_weights(options, snapshot, own_weights, _teller(source, spinner))
    return found, options


def _may_have_a_model(path: str) -> bool:
    return path.startswith("hub:") and not path.startswith("hub:datasets/")


def _directory() -> Path:
    """A directory for as long as the command runs."""
    return Path(click.get_current_context().with_resource(tempfile.TemporaryDirectory(prefix="cpipe-check-")))


def _teller(source: str, spinner: Spinner) -> Callable[[str], None]:
    return lambda what: spinner.tell(Step("snapshot", 0, 1, source, what))


def _fetched(source: str, spinner: Spinner) -> tuple[Snapshot | None, Collection]:
    from cpipe_check.snapshot import BadSource, SnapshotError, submissions, take

    try:
        snapshot = take(source, _directory(), tell=_teller(source, spinner))
    except BadSource as error:
        return None, Collection((), (), (clean_line(str(error)),))
    except SnapshotError as error:
        raise Unserved(f"{clean_line(source, 300)}: {error}") from None
    return snapshot, submissions(snapshot)


def _with_weights(options: SmokeOptions, snapshot: Snapshot, limit: int, tell: Callable[[str], None]) -> SmokeOptions:
    from cpipe_check.smoke.run import missing_packages
    from cpipe_check.snapshot.weights import with_own_weights

    if missing_packages():
        # Nothing is going to be smoke-loaded.
        return options
    return with_own_weights(options, snapshot, _directory(), limit, tell=tell)


def _joined(one: Collection, other: Collection) -> Collection:
    return Collection(one.submissions + other.submissions, one.skipped + other.skipped, one.problems + other.problems)
