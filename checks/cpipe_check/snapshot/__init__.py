"""Snapshots of repositories on the Hub: a few small files of one commit, laid out in a directory, none of them run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cpipe_check.snapshot.hub import SnapshotError
    from cpipe_check.snapshot.source import BadSource, is_source
    from cpipe_check.snapshot.taking import Snapshot, submissions, take

__all__ = ["BadSource", "Snapshot", "SnapshotError", "is_source", "submissions", "take"]

_HOMES = {
    "BadSource": "source",
    "Snapshot": "taking",
    "SnapshotError": "hub",
    "is_source": "source",
    "submissions": "taking",
    "take": "taking",
}


def __getattr__(name: str) -> Any:
    # The command asks `is_source` of every path; only who names a repository pays for the rest.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
