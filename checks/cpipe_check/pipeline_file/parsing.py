"""From the bytes of a pipeline file to a libcst module, or to the reason why Python itself refuses them."""

from __future__ import annotations

import gc
import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import libcst as cst

from cpipe_check.finding import FILE_START, Span

_T = TypeVar("_T")
# libcst's parser and its nodes' destructors recurse in native code: 10,000 operands in one expression overflow the
# usual 8 MiB. The pages are only reserved, not used.
_STACK_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file cannot be parsed. `kind` is "encoding" or "syntax"; `error` is what Python says."""

    kind: str
    error: str
    span: Span = FILE_START


@dataclass(frozen=True, slots=True)
class Parsed:
    """The outcome of parsing: a module, or a refusal by Python, or neither when only our parser gave up."""

    source: str
    module: cst.Module | None = None
    refusal: Refusal | None = None


def parse(content: bytes) -> Parsed:
    """Parse the bytes of a pipeline file.

    The loader opens the file as UTF-8 whatever its coding cookie says (`check_imports` in diffusers 0.42's
    `utils/dynamic_modules_utils.py`) and then imports it, so both have to accept it. The compiler runs first: it
    refuses every depth of nesting that would crash libcst.

    Raises:
        MemoryError: when libcst needs more memory than there is.
    """
    try:
        source = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = content.decode("utf-8", "replace")
        return Parsed(text, refusal=Refusal("encoding", f"UnicodeDecodeError: {error}", Span(line, 1, line, 1)))
    source = source.removeprefix("\ufeff")
    refusal = _compile(content)
    if refusal is not None:
        return Parsed(source, refusal=refusal)
    try:
        return Parsed(source, module=cst.parse_module(source))
    except (cst.ParserSyntaxError, RecursionError):
        return Parsed(source)


def compiles(content: bytes) -> bool:
    """Tell whether Python takes the bytes for a module."""
    return _compile(content) is None


def _compile(content: bytes) -> Refusal | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(content, "pipeline file", "exec", dont_inherit=True)
        except SyntaxError as error:
            line, column = max(error.lineno or 1, 1), max(error.offset or 1, 1)
            return Refusal("syntax", f"{type(error).__name__}: {error.msg}", Span(line, column, line, column))
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            reason = str(error) or "the source is too deeply nested for Python's parser"
            return Refusal("syntax", f"{type(error).__name__}: {reason}")
    return None


def with_deep_stack(function: Callable[[], _T]) -> _T:
    """Return `function()`, run in a thread with a stack for any nesting that Python's compiler accepts.

    The garbage collector is off meanwhile: a third of libcst's parsing time goes into it, and it finds nothing.
    """
    return _deep_thread(os.getpid()).submit(_without_collector, function).result()


@lru_cache(maxsize=1)
def _deep_thread(_process: int) -> ThreadPoolExecutor:
    """Return the deep thread of this process; a forked one does not inherit its parent's. Starting one is dear."""
    before = threading.stack_size(_STACK_BYTES)
    try:
        executor = ThreadPoolExecutor(1, thread_name_prefix="cpipe-check-parse")
        executor.submit(int).result()
    finally:
        threading.stack_size(before)
    return executor


def _without_collector(function: Callable[[], _T]) -> _T:
    was_on = gc.isenabled()
    gc.disable()
    try:
        return function()
    finally:
        if was_on:
            gc.enable()
