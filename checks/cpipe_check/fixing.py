"""Making the fixes that findings carry: pure functions from the bytes of a file to bytes, lossless everywhere else."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cpipe_check.finding import Edit, Finding, Fix, Span
from cpipe_check.pipeline_file.parsing import compiles
from cpipe_check.pipeline_file.positions import line_starts

_BOM = "\ufeff"
_PASSES = 10


@dataclass(frozen=True, slots=True)
class Fixed:
    """A file with its fixes made: its bytes, the findings that were mended, and those that remain.

    `refused` are findings whose fix would have broken the file, or mended nothing: it was not made. They remain too.
    """

    content: bytes
    mended: tuple[Finding, ...] = ()
    remaining: tuple[Finding, ...] = ()
    refused: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class LineChange:
    """Replace the whole lines `first` to `last` (from 1) by those of `text`, which `\\n` divides and does not end."""

    first: int
    last: int
    text: str


def fixed(content: bytes, find: Callable[[bytes], Sequence[Finding]]) -> Fixed:
    """Return `content` with the fixes of what `find` finds in it made, again and again until there are no more.

    `find` never raises; what it returns has its spans in the bytes that it was given. The result compiles if `content`
    does, and fixing it again changes nothing.
    """
    found = tuple(find(content))
    mended: list[Finding] = []
    refused: dict[tuple[str, str], Finding] = {}
    passes = 0
    while passes < _PASSES:
        after, taken = applied(content, [f for f in found if _key(f) not in refused])
        if not taken:
            break
        then = tuple(find(after)) if compiles(after) else None
        bad = _breaking(content, taken) if then is None else _stubborn(taken, found, then)
        if bad or then is None:
            refused.update((_key(f), f) for f in bad)
            continue
        content, found, passes = after, then, passes + 1
        mended += taken
    return Fixed(content, tuple(mended), found, tuple(refused.values()))


def applied(content: bytes, found: Sequence[Finding]) -> tuple[bytes, tuple[Finding, ...]]:
    """Return `content` with the fixes of `found` made in one pass, and the findings whose fixes are in it.

    Findings may share an edit, as those of one import statement do. Of fixes that overlap the first is made; the others
    have to wait for findings in the new content. A fix that does not fit `content` is left out.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content, ()
    source = text.removeprefix(_BOM)
    edits: dict[tuple[int, int], str] = {}
    taken: list[Finding] = []
    for finding in found:
        own = None if finding.fix is None else _offsets(source, finding.fix.edits)
        if own and all(edits.get(at) == new or not _overlaps(at, edits) for at, new in own.items()):
            edits.update(own)
            taken.append(finding)
    return (text[: len(text) - len(source)] + _edited(source, edits)).encode(), tuple(taken)


def suggestion(content: bytes, fix: Fix) -> LineChange | None:
    """Return the fix as a replacement of whole lines, as suggestions on GitHub are; None where it does not fit."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    source = text.removeprefix(_BOM)
    edits = _offsets(source, fix.edits)
    # GitHub and Python do not count the same lines where a carriage return stands alone.
    if not edits or "\r" in source.replace("\r\n", ""):
        return None
    first = min(edit.span.line for edit in fix.edits)
    last = max(edit.span.end_line for edit in fix.edits)
    starts = [*line_starts(source), len(source) + 1]
    begin, end = starts[first - 1], starts[last] - 1
    after = _edited(source, edits)
    lines = after[begin : end + len(after) - len(source)]
    bom = text[: len(text) - len(source)] if first == 1 else ""
    return LineChange(first, last, bom + lines.removesuffix("\r").replace("\r\n", "\n"))


def unified(path: str, before: bytes, after: bytes) -> str:
    """Return what changed as a unified diff that `patch -p0` takes, "" for nothing."""
    old, new = (_lines(content.decode("utf-8", "surrogateescape")) for content in (before, after))
    diff = difflib.unified_diff(old, new, path, path)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diff)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _key(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.message


def _offsets(source: str, edits: Sequence[Edit]) -> dict[tuple[int, int], str] | None:
    """The edits by where they begin and end in `source`, None where they do not fit it or one another."""
    starts = [*line_starts(source), len(source) + 1]
    found: dict[tuple[int, int], str] = {}
    for edit in edits:
        at = _range(edit.span, starts)
        if at is None or (found.get(at) != edit.text and _overlaps(at, found)):
            return None
        found[at] = edit.text
    return found


def _range(span: Span, starts: Sequence[int]) -> tuple[int, int] | None:
    offsets = []
    for line, column in ((span.line, span.column), (span.end_line, span.end_column)):
        if not (0 < line < len(starts) and 0 < column <= starts[line] - starts[line - 1]):
            return None
        offsets.append(starts[line - 1] + column - 1)
    return (offsets[0], offsets[1]) if offsets[0] <= offsets[1] else None


def _overlaps(at: tuple[int, int], others: dict[tuple[int, int], str]) -> bool:
    """An insertion overlaps what it touches: in which order they belong nobody says."""
    start, end = at
    return any(
        start < stop and begin < end if start < end and begin < stop else start <= stop and begin <= end
        for begin, stop in others
    )


def _edited(source: str, edits: dict[tuple[int, int], str]) -> str:
    pieces, here = [], 0
    for (start, end), text in sorted(edits.items()):
        pieces += [source[here:start], text]
        here = end
    return "".join([*pieces, source[here:]])


def _breaking(content: bytes, taken: Sequence[Finding]) -> Sequence[Finding]:
    """Those whose fix alone makes a file that Python refuses; all of them when it takes several."""
    return [f for f in taken if not compiles(applied(content, [f])[0])] or taken


def _stubborn(taken: Sequence[Finding], before: Sequence[Finding], after: Sequence[Finding]) -> Sequence[Finding]:
    """Those that are still found, as often as before."""
    were, are = Counter(map(_key, before)), Counter(map(_key, after))
    return [f for f in taken if are[_key(f)] >= were[_key(f)]]
