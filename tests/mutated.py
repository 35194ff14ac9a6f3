"""Pipeline files changed by steps that somebody else draws: at random in a long run, by hypothesis in the tests."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cpipe_check.api_index.target import Target
from cpipe_check.checker import _file_report, check_static
from cpipe_check.report import RENDERERS
from cpipe_check.report.model import STATIC_ONLY, Report
from cpipe_check.rules import RULES
from cpipe_check.rules.base import HEADER
from cpipe_check.submission import Submission
from odd_cases import CASES

PIPELINES = Path(__file__).parent / "pipelines"
BASES = (
    *(path.read_bytes() for path in sorted(PIPELINES.rglob("*.py"))),
    *((HEADER + body).encode() for body, _ in CASES.values()),
    *(case.content for rule in RULES for case in (*rule.bad, *rule.good) if len(case.content) < 3000),
)
_TOKEN = re.compile(rb"\w+|[ \t]+|\n|.", re.DOTALL)
# The deepest of the repeated pieces; libcst takes some 0.3 s for this many subscripts, and four times that for twice.
_DEEPEST = 600
_ODD = (
    b"(", b")", b"[", b"{", b"}", b":", b"\n", b"\r", b"\r\n", b"\\\n", b"\\", b"\t", b"    ", b"\f", b"\v", b"\0",
    b"\x1a", b"\x1b[31m", b"\x7f", b"\x85", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8",
    b"\xe2\x80\xae", b"\xef\xac\x81", "\uff24iffusionPipeline".encode(), "é".encode(), "e\u0301".encode(),
    "\U0001f600".encode(), "\u00a0".encode(), b"#", b'"', b"'", b'"""', b"'''", b'f"{', b"rb'", b"*", b"**", b"@", b";",
    b",", b".", b"...", b"->", b":=", b"=", b"==", b"~", b"-", b"9" * 5000, b"0x" + b"f" * 5000, b"1e999", b"1_0j", b"0777",
    b"lambda: ", b"await ", b"async ", b"yield ", b"return ", b"raise ", b"del ", b"global ", b"nonlocal ", b"pass\n",
    b"import ", b"from . import ", b"from .a.b import ", b"from .. import x\n", b"class ", b"def ", b"if ", b"else:\n",
    b"elif x:\n", b"try:\n", b"except:\n", b"except* E:\n", b"finally:\n", b"with a as b:\n", b"while 1:\n",
    b"for x in y:\n", b"match x:\n", b"case _:\n", b"type X = int\n", b"None", b"self", b"super()", b"__init__",
    b"DiffusionPipeline", b"register_modules", b"_optional_components", b"__call__", b"sys.version_info >= (3,",
)  # fmt: skip
_LINES = (
    b"@property", b"@torch.no_grad()", b"@staticmethod", b"@(lambda c: c)", b"@a.b[0](*x, **y)", b"from diffusers import *",
    b"from transformers import *", b"from os import *", b"from .beside import *", b"from .. import *", b"import diffusers.",
    b"import diffusers as d, transformers as t", b"from diffusers import (a, b as c,)", b"# -*- coding: latin-1 -*-",
    b"# -*- coding: utf-7 -*-", b"# vim: set fileencoding=no-such :", b"#!/usr/bin/python", b"\f", b"", b"    ", b"\t",
    b"from __future__ import annotations", b"from __future__ import braces", b"raise ImportError", b"import sys; sys.exit()",
    b"class MyPipeline(MyPipeline): pass", b"class A(B, C, metaclass=M, **k): x: int = 1", b"class A[T](DiffusionPipeline): pass",
    b"class P(*bases): pass", b"class P(f(), DiffusionPipeline): pass", b"class P(P.Q if P else P): pass",
    b"DiffusionPipeline = 1", b"globals()['X'] = DiffusionPipeline", b"del DiffusionPipeline", b"x = y = z, *w = q",
    b"exec('')", b"if TYPE_CHECKING:", b"try: import x", b"except (ImportError, a.b) as e: pass", b"def __getattr__(n): ...",
    b"def __init__(self, /, unet, *, vae=None, **kw): self.register_modules(unet=unet, **kw)", b"self.register_modules(**x)",
    b"    _optional_components = ['a'] + B", b"super(type(self), self).__init__()", b"super().__init__", b"# noqa: CP301",
    b"check_min_version('0.' * 3)", b"check_min_version('9' * 5000)", b"check_min_version('1e5')", b"print(f'{x!r:>{w}}')",
    b"if is_torch_version('>=', '2.0'):", b"if version.parse(diffusers.__version__) < version.parse('!'):", b"else:",
    b"if sys.version_info >= (3, 99999999999999999999): pass", b"(yield)", b"[x := 1 for x in y]", b"import a.b.c.d.e as f",
)  # fmt: skip
_NESTS = (
    (b"(", b")"), (b"[", b"]"), (b"{", b"}"), (b"f(", b")"), (b"[x for x in ", b"]"), (b"", b"[1]"), (b"", b".a"),
    (b"", b"()"), (b"not ", b""), (b"-", b""), (b"a + ", b""), (b"a if b else ", b""), (b"lambda: ", b""), (b"a and ", b""),
    (b"a < ", b""), (b"a, ", b""), (b"x = ", b""), (b"await ", b""), (b"*", b""), (b"f'{", b"}'"), (b"a ** ", b""),
    (b"class A(B):\n", b""), (b"if a:\n", b""), (b"if a: pass\n", b""), (b"elif a: pass\n", b""), (b"@a\n", b""), (b"\n", b""),
    (b" \n", b""), (b"#\n", b""), (b"import a.b\n", b""), (b"from a import *\n", b""), (b"\\\n", b""), (b"'a' ", b""), (b"a;", b""),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One change: which, where (three numbers below 1 << 16, taken as shares of the file), and with which piece."""

    kind: int
    at: int
    to: int
    length: int
    piece: int


def mutate(content: bytes, steps: Sequence[Step]) -> bytes:
    """Return `content` after the steps, at most 100 KB of it.

    Seven of eight steps are left out when Python would refuse what they make: most of a check comes after the parse.
    """
    for step in steps:
        changed = KINDS[step.kind % len(KINDS)](content, step)[:100_000]
        if step.length % 8 == 0 or _compiles(changed):
            content = changed
    return content


def _compiles(content: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(content, "", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return False
    return True


class _BesideItself(Submission):
    """Every module beside the file has the file's own content."""

    def read_sibling(self, module: str) -> bytes | None:
        return self.content


def run(content: bytes, target: Target) -> None:
    """Check a file statically, with itself beside it, and render its report in every way.

    Raises:
        Exception: for a bug.
    """
    submission = _BesideItself("my_pipeline.py", content, None)
    report = Report((_file_report(submission, check_static(submission, target), STATIC_ONLY),), (), (), len(RULES))
    assert json.loads(RENDERERS["json"](report, False))["files"]
    RENDERERS["text"](report, True).encode()
    text = RENDERERS["text"](report, False)
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text if c != "\n"), "not inert"


def _changed(parts: Sequence[bytes], step: Step, joint: bytes = b"") -> bytes:
    """Some of the parts deleted, doubled, swapped, moved or replaced."""
    here = step.at * len(parts) >> 16
    there = step.to * len(parts) >> 16
    count = 1 + (step.length % 8)
    some, rest = list(parts[here : here + count]), [*parts[:here], *parts[here + count :]]
    match step.piece % 5:
        case 0:
            changed = rest
        case 1:
            changed = [*parts[:there], *some * (1 + step.length % 3), *parts[there:]]
        case 2:
            changed = [*rest[:there], *some, *rest[there:]]
        case 3:
            changed = [*parts[:here], *parts[there : there + count], *parts[here + count :]]
        case _:
            changed = [*parts[:here], *reversed(some), *parts[here + count :]]
    return joint.join(changed)


def _bytes(content: bytes, step: Step) -> bytes:
    return _changed([content[i : i + 1 + step.length % 50] for i in range(0, len(content), 1 + step.length % 50)], step)


def _tokens(content: bytes, step: Step) -> bytes:
    return _changed(_TOKEN.findall(content), step)


def _lines(content: bytes, step: Step) -> bytes:
    return _changed(content.split(b"\n"), step, b"\n")


def _piece(content: bytes, step: Step) -> bytes:
    here = step.at * (len(content) + 1) >> 16
    return content[:here] + _ODD[step.piece % len(_ODD)] + content[here + (step.length % 8) :]


def _token(content: bytes, step: Step) -> bytes:
    tokens = _TOKEN.findall(content) or [b""]
    tokens[step.at * len(tokens) >> 16] = _ODD[step.piece % len(_ODD)]
    return b"".join(tokens)


def _line(content: bytes, step: Step) -> bytes:
    lines = content.split(b"\n")
    here = step.at * (len(lines) + 1) >> 16
    lines.insert(here, b" " * (step.length % 3 * 4) + _LINES[step.piece % len(_LINES)])
    return b"\n".join(lines)


def _indented(content: bytes, step: Step) -> bytes:
    lines = content.split(b"\n")
    here, there = sorted((step.at * len(lines) >> 16, step.to * len(lines) >> 16))
    for number in range(here, there):
        line = lines[number]
        lines[number] = (b"    ", b"\t", b" ")[step.piece % 3] + line if step.length % 2 else line.removeprefix(b"    ")
    return b"\n".join(lines)


def _nested(content: bytes, step: Step) -> bytes:
    tokens = _TOKEN.findall(content) or [b""]
    here = step.at * len(tokens) >> 16
    before, after = _NESTS[step.piece % len(_NESTS)]
    # Mostly few: a hundred is what Python's parser takes of most.
    times = step.length % (_DEEPEST if step.to % 4 == 0 else 90)
    tokens[here] = before * times + tokens[here] + after * times
    return b"".join(tokens)


def _spliced(content: bytes, step: Step) -> bytes:
    lines, other = content.split(b"\n"), BASES[step.piece % len(BASES)].split(b"\n")
    here, there = step.at * len(lines) >> 16, step.to * len(other) >> 16
    return b"\n".join([*lines[:here], *other[there : there + step.length % 20], *lines[here:]])


@lru_cache(maxsize=512)
def _spans(content: bytes) -> tuple[tuple[int, int, int, bool], ...]:
    """The start, the end and the column of every expression and statement, and whether it is a statement."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    starts = [0, *(match.end() for match in re.finditer(b"\n", content))]
    return tuple(
        (starts[n.lineno - 1] + n.col_offset, starts[n.end_lineno - 1] + n.end_col_offset, n.col_offset, is_statement)
        for n in ast.walk(tree)
        if (is_statement := isinstance(n, ast.stmt)) or isinstance(n, ast.expr)
        if max(n.lineno, n.end_lineno or 0) <= len(starts)
    )


def _grafted(content: bytes, step: Step) -> bytes:
    """An expression or a statement replaced by one of another file, or of this one; or a statement put before another."""
    other = content if step.piece % 2 else BASES[step.piece % len(BASES)]
    here, there = _spans(content), _spans(other)
    if not here:
        return content
    start, end, column, is_statement = here[step.at * len(here) >> 16]
    there = tuple(span for span in there if span[3] is is_statement)
    if not there:
        return content
    first, last, indent, _ = there[step.to * len(there) >> 16]
    new = other[first:last].replace(b"\n" + b" " * indent, b"\n" + b" " * column)
    if is_statement and step.length % 3:
        return content[:start] + new + b"\n" + b" " * column + content[start:]
    return content[:start] + new + content[end:]


def _whole(content: bytes, step: Step) -> bytes:
    """Another encoding, other ends of lines, or only a part."""
    text = content.decode("utf-8", "replace")
    match step.piece % 9:
        case 0:
            return text.encode("utf-16")
        case 1:
            return text.encode("latin-1", "replace")
        case 2:
            return b"\xef\xbb\xbf" + content
        case 3:
            return content.replace(b"\n", b"\r\n")
        case 4:
            return content.replace(b"\n", b"\r")
        case 5:
            return content.replace(b"\n", (b"\r\n", b"\r", b"\n\r", b"\f\n")[step.length % 4], step.at >> 11)
        case 6:
            return content[: step.at * len(content) >> 16]
        case 7:
            return content.replace(b"    ", b"\t")
        case _:
            return content.rstrip() + (b"", b"\\", b"\r", b"\0", b"\f", b"#")[step.length % 6]


KINDS: tuple[Callable[[bytes, Step], bytes], ...] = (
    _grafted, _grafted, _grafted, _grafted, _grafted, _bytes, _tokens, _tokens, _lines, _piece, _token, _token, _line,
    _line, _indented, _nested, _spliced, _whole,
)  # fmt: skip
