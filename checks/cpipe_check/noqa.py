"""`# noqa` comments, which silence findings as they do for flake8 and ruff."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from contextlib import suppress

from cpipe_check.finding import Finding
from cpipe_check.pipeline_file import PipelineFile

_NOQA = re.compile(r"#\s*(?P<file>cpipe-check\s*:\s*)?noqa(?![\w-])(?P<colon>\s*:)?(?P<rest>[^#]*)", re.IGNORECASE)
_CODES = re.compile(r"\s*([A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*)", re.IGNORECASE)
_LAYOUT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)
# The codes that are silenced, as prefixes: the empty one is all of them.
_ALL = ("",)


def unsilenced(file: PipelineFile, found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings that no comment of the file silences.

    `# noqa` on any line of a statement is for the whole statement, `# cpipe-check: noqa` on a line of its own for the
    file; `: CP301, CP402` after it limits it to these. In a file that Python refuses nothing is certain to be a
    comment, so nothing is silenced.
    """
    if not found or file.refusal is not None or "noqa" not in file.source.lower():
        return tuple(found)
    silenced = [item for item in _silenced(file.source) if item[2]]
    return tuple(
        f for f in found if not any(a <= f.span.line <= b and f.code.startswith(codes) for a, b, codes in silenced)
    )


def _silenced(source: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield the first and the last line that a comment is for, and the codes that it silences."""
    if "\r" in source.replace("\r\n", ""):
        # Python ends lines there as well, and our line numbers do not.
        return
    start, comments = 0, list[tuple[int, str]]()
    with suppress(tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        for token in tokenize.generate_tokens(io.StringIO(source, newline="\n").readline):
            if token.type == tokenize.COMMENT:
                comments.append((token.start[0], token.string))
            if token.type not in _LAYOUT:
                start = start or token.start[0]
            if token.type == tokenize.NEWLINE or (token.type == tokenize.NL and not start):
                for line, comment in comments:
                    yield from _comment(comment, start or line, token.end[0] if start else line, own_line=not start)
                start, comments = 0, []


def _comment(comment: str, first: int, last: int, own_line: bool) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    for match in _NOQA.finditer(comment):
        codes = _codes(match)
        if match["file"] and own_line:
            yield 1, 1 << 62, codes
        elif not match["file"]:
            yield first, last, codes


def _codes(match: re.Match[str]) -> tuple[str, ...]:
    if not match["colon"]:
        return _ALL
    codes = _CODES.match(match["rest"])
    return tuple(re.split(r"[\s,]+", codes[1].upper())) if codes else ()
