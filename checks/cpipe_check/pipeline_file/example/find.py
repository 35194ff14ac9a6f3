"""Finds the example in a pipeline file and the README beside it, and picks the call that tells most."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import libcst as cst

from cpipe_check.example import MAX_ITEMS, Example, ExampleValue
from cpipe_check.pipeline_file import lineage, syntax
from cpipe_check.pipeline_file.example.expressions import STEPS
from cpipe_check.pipeline_file.example.kinds import Call
from cpipe_check.pipeline_file.example.reader import Reader
from cpipe_check.pipeline_file.example.readme import blocks_about, same_name
from cpipe_check.pipeline_file.example.texts import Allowance, Block, blocks, pieces, split_lines
from cpipe_check.pipeline_file.facts import Class, Imported, Namespace

if TYPE_CHECKING:
    from cpipe_check.pipeline_file.file import PipelineFile

_MAIN = re.compile(r"^if[ \t]+__name__[ \t]*==[ \t]*[\"']__main__[\"'][ \t]*:", re.MULTILINE)
_MAX_SOURCES = 50
# Of one example, as JSON.
_MAX_EXAMPLE = 100_000


@dataclass(frozen=True, slots=True)
class _Source:
    """Blocks of code that are read as one program, and what they are called.

    `shared` is True when other pipelines' examples may be among them.
    """

    name: str
    blocks: Sequence[Block]
    shared: bool = False


class _Wanted:
    """What a good example calls: the class, by its own name or the file's, and its methods."""

    def __init__(self, file: PipelineFile, cls: Class, namespace: Namespace) -> None:
        self.cls = cls
        self.stem = file.name.removesuffix(".py")
        self.methods: dict[str, cst.FunctionDef | None] = {}
        for item in lineage.ancestors(cls, namespace):
            if isinstance(item, Class):
                self.methods = {**item.methods, **self.methods}
            elif isinstance(item, Imported) and not lineage.is_plain(item):
                self.methods.setdefault("__call__", None)

    def calls(self, name: str) -> bool:
        """True for the method that is the pipeline's call, or for any other where it has none."""
        return name == "__call__" or (name in self.methods and name[:1] != "_")

    def by_name(self, call: Call) -> bool:
        """True when the example loads this pipeline and not, say, the one that its text was copied from."""
        custom = PurePosixPath(call.pipeline.custom)
        named = (custom.name.removesuffix(".py"), custom.parent.name if custom.name == "pipeline.py" else "")
        return call.pipeline.class_name == self.cls.name or any(
            same_name(name, own) for name in named for own in (self.stem, self.cls.name)
        )

    def another(self, call: Call) -> bool:
        """True when the example says that it loads some other pipeline."""
        other_class = call.pipeline.class_name not in ("", "DiffusionPipeline", self.cls.name)
        return not self.by_name(call) and bool(other_class or call.pipeline.custom)

    def misfits(self, call: Call) -> int:
        """How many arguments are missing or are no parameters."""
        node = self.methods.get(call.method)
        if node is None:
            return 0
        params = node.params
        in_order = [*params.posonly_params, *params.params][1:]
        given = {p.name.value for p in in_order[: len(call.positional)]} | set(call.keywords)
        all_params = [*in_order, *params.kwonly_params]
        missing = sum(p.default is None and p.name.value not in given for p in all_params)
        return missing + (0 if params.star_kwarg else len(given - {p.name.value for p in all_params}))


def example_of(file: PipelineFile) -> Example | None:
    """Return the example of the pipeline class's use, None when there is none. Never raises for what the texts hold.

    Looked for in the class docstring, the module's string constants, the docstrings of methods, the module docstring,
    the `__main__` block, and the sections of a README beside the file that name it. The first call that has the
    parameters of `__call__`, of a pipeline loaded as this one, is taken; else the one that comes next to that; else
    the call of another method.
    """
    if file.pipeline_class is None or file.namespace is None:
        return None
    try:
        with warnings.catch_warnings():
            # Of escape sequences that Python does not know.
            warnings.simplefilter("ignore")
            return _best(file, _Wanted(file, file.pipeline_class, file.namespace))
    except (RecursionError, MemoryError):
        return None


def _best(file: PipelineFile, wanted: _Wanted) -> Example | None:
    allowance, steps = Allowance(), STEPS
    best: tuple[tuple[bool, int, bool, int, int], _Source, Call] | None = None
    for order, source in zip(range(_MAX_SOURCES), _sources(file, wanted), strict=False):
        reader = Reader(steps)
        reader.read([piece for block in source.blocks for piece in pieces(block, allowance)])
        steps = max(reader.steps, 0)
        for call in reader.calls:
            if not wanted.calls(call.method) or (source.shared and wanted.another(call)):
                continue
            proper = call.method == "__call__" or "__call__" not in wanted.methods
            given = len(call.keywords) + len(call.positional)
            rank = (proper, -wanted.misfits(call), wanted.by_name(call), -order, given)
            if best is None or rank > best[0]:
                best = rank, source, call
        if best is not None and best[0][:3] == (True, 0, True):
            break
    return None if best is None else _example(best[1].name, best[2])


def _example(source: str, call: Call) -> Example:
    pipeline = call.pipeline
    left = _MAX_EXAMPLE

    def fitted(value: ExampleValue) -> ExampleValue:
        nonlocal left
        size = len(json.dumps(value.to_object()))
        if size > left:
            return ExampleValue("unknown")
        left -= size
        return value

    return Example(
        source=source,
        line=call.line,
        method=call.method,
        arguments={name: fitted(value) for name, value in call.keywords.items() if len(name) <= 100},
        positional=tuple(map(fitted, call.positional)),
        model=pipeline.model,
        loaded_as=pipeline.class_name,
        components=call.components,
    )


def _sources(file: PipelineFile, wanted: _Wanted) -> Iterator[_Source]:
    """The file's texts that look as if they called a pipeline, the likeliest first; then those of the README."""
    assert file.module is not None
    cls = wanted.cls

    def line_of(literal: str) -> int:
        return file.source.count("\n", 0, max(file.source.find(literal), 0)) + 1

    yield from _text("class docstring", _docstring(cls.node.body), line_of)
    for name, node in _constants(file.module):
        yield from _text(name, node, line_of)
    for name, function in cls.methods.items():
        if wanted.calls(name):
            yield from _text(f"{name} docstring", _docstring(function.body), line_of)
    for statement in syntax.statements(file.module):
        if isinstance(statement, cst.Expr):
            yield from _text("module docstring", statement.value, line_of)
    yield from _main(file.source)
    whole = wanted.stem == "pipeline"
    for readme, content in file.read_readmes():
        text = content.decode("utf-8", "replace")
        for group in blocks_about(text, wanted.stem, cls.name, whole):
            yield _Source(readme, group, shared=not whole)


def _text(name: str, node: cst.BaseExpression | None, line_of: Callable[[str], int]) -> Iterator[_Source]:
    if node is None:
        return
    text = syntax.string_value(node)
    if text is not None and "pipe" in text.lower() and "(" in text:
        while isinstance(node, cst.ConcatenatedString):
            node = node.left
        yield _Source(name, blocks(text, line_of(node.value) if isinstance(node, cst.SimpleString) else 1))


def _docstring(body: cst.BaseSuite) -> cst.BaseExpression | None:
    first = next(syntax.statements(body), None)
    return first.value if isinstance(first, cst.Expr) else None


def _constants(module: cst.Module) -> Iterator[tuple[str, cst.BaseExpression]]:
    for statement in syntax.statements(module):
        match statement:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name)), *_], value=value):
                yield name[:100], value


def _main(source: str) -> Iterator[_Source]:
    """The `__main__` block, after the functions of the module that it calls."""
    match = _MAIN.search(source)
    if match is None:
        return
    block = _indented(source, match.start())
    called = set(re.findall(r"\b(\w+)\(", "\n".join(block.lines)))
    functions = (f for f in re.finditer(r"^def[ ]+(\w+)", source, re.MULTILINE) if f[1] in called)
    found = [_indented(source, function.start()) for function in islice(functions, MAX_ITEMS)]
    yield _Source("__main__ block", [*found, block])


def _indented(source: str, start: int) -> Block:
    """The statement that starts there: its line, and all that follow up to the next statement."""
    lines = split_lines(source[start:])
    end = next((i for i, line in enumerate(lines) if i and line[:1].strip() and line[0] not in "#)]}"), len(lines))
    return Block(tuple(lines[:end]), source.count("\n", 0, start) + 1)
