"""What is kept of a report: its document, its page, and what lists show of its files, each within a size."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cpipe_bot.run import CheckedFile
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report import as_html, as_json
from cpipe_check.report.model import FileReport, Report
from cpipe_check.text import EMPTY, CleanText

LARGEST = 4 << 20
_FILES = 50
_RUNS = 30


@dataclass(frozen=True, slots=True)
class Kept:
    """The compressed JSON document and HTML page of a report, both empty where it is larger than is kept."""

    document: bytes
    page: bytes


def keep(report: Report) -> Kept:
    """Return what is kept of a report. A page that is too large goes without its pictures, or not at all."""
    page = as_html.render(report)
    if len(page) > LARGEST:
        page = as_html.render(_without_pictures(report))
    return Kept(_packed(as_json.render(report)), _packed(page))


def unpacked(stored: bytes) -> str:
    """Return the text that `keep` packed, "" when it was too large."""
    return zlib.decompress(stored).decode() if stored else ""


def files_text(report: Report | None) -> str:
    """Return what lists show of a report's files, as text for the database."""
    return json.dumps([_file(file) for file in report.files[:_FILES]] if report else [], separators=(",", ":"))


def files_of(text: str) -> tuple[CheckedFile, ...]:
    """Return what `files_text` made a text of."""
    return tuple(
        CheckedFile(path, name, static, loads, smoke, {library: _ranges(runs) for library, runs in ranges.items()})
        for path, name, static, loads, smoke, ranges in json.loads(text)
    )


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode(), 6) if len(text) <= LARGEST else b""


def _without_pictures(report: Report) -> Report:
    return replace(report, files=tuple(replace(file, smoke=replace(file.smoke, pictures=())) for file in report.files))


def _file(file: FileReport) -> list[Any]:
    found = file.compatibility
    ranges = {library: _runs(runs) for library, runs in found.ranges.items()}
    return [file.path, file.pipeline_class or "", file.static, found.loads, file.smoke.verdict.value, ranges]


def _runs(runs: Sequence[LoadRange]) -> list[Any]:
    """The newest of very many."""
    return [[run.first, run.last, run.loads] for run in runs[-_RUNS:]]


def _ranges(runs: Iterable[tuple[str, str, bool | None]]) -> tuple[LoadRange, ...]:
    return tuple(
        LoadRange(CleanText(first), CleanText(last), loads, EMPTY, EMPTY, False) for first, last, loads in runs
    )
