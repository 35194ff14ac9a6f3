"""The recipe of one pipeline file: the inline block in its text, over what pyproject.toml says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cpipe_check.pipeline_file import recipe_table
from cpipe_check.pipeline_file.facts import Class, Function, Namespace
from cpipe_check.pipeline_file.inline_block import Block, blocks
from cpipe_check.pipeline_file.lineage import defined_in
from cpipe_check.pipeline_file.recipe_table import MAX_PROBLEMS, NoTable, Problem, quoted, unknown
from cpipe_check.recipe import OMIT, Recipe, maker_of, over, recipe_of, unknown_names

BLOCK_TYPE = "cpipe-check"
# What its author takes for an opening, and the rules of PEP 723 do not.
_NEARLY = re.compile(r"^#[ \t]*///[ \t]*cpipe[-_ ]?check[ \t]*$", re.MULTILINE | re.IGNORECASE)
_OPENING = f"# /// {BLOCK_TYPE}"
_KEY_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = re.compile(rf"[ \t]*({_KEY_PART}(?:[ \t]*\.[ \t]*{_KEY_PART}){{0,16}})[ \t]*=", re.ASCII)
_HEADER = re.compile(rf"[ \t]*\[\[?[ \t]*({_KEY_PART}(?:[ \t]*\.[ \t]*{_KEY_PART}){{0,16}})[ \t]*\]", re.ASCII)


class RecipeError(Exception):
    """A recipe that cannot be used. `line` is the line in the pipeline file, 1 for what pyproject.toml says of it."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class RecipeFacts:
    """The recipe of a file, the empty one where there is none; or what is wrong with it, in the order of the text."""

    recipe: Recipe = field(default_factory=Recipe)
    errors: tuple[RecipeError, ...] = ()


def recipe_facts(
    source: str, given: Mapping[str, Any], cls: Class | None = None, namespace: Namespace | None = None
) -> RecipeFacts:
    """Return the recipe in a source, over the table `given`, which `recipe_table.problems` has found valid.

    Names of parameters are compared with the signatures in the text, where the pipeline class is known. Never raises.
    """
    try:
        block = find(source)
        table = {} if block is None else load(block)
    except RecipeError as error:
        return RecipeFacts(errors=(error,))
    found = recipe_table.problems(table)
    if not found:
        both = over(table, given)
        found = [*_signature_problems(both, cls, namespace), *recipe_table.problems(both)][:MAX_PROBLEMS]
        if not found:
            return RecipeFacts(recipe_of(both))
    errors = [RecipeError(*_place(problem, table, block)) for problem in found]
    return RecipeFacts(errors=tuple(sorted(errors, key=lambda error: error.line)))


def find(source: str) -> Block | None:
    """Return the block of our type in a source, None when there is none.

    Raises:
        RecipeError: when there are several, or one that PEP 723 does not take for a block.
    """
    found = list(blocks(source))
    ours = [block for block in found if block.type == BLOCK_TYPE]
    if len(ours) > 1:
        raise RecipeError(ours[1].line, f"a second block `{_OPENING}`; the first is on line {ours[0].line}")
    for block in ours:
        if not block.closed:
            raise RecipeError(block.line, "the block has no end: `# ///`, with comment lines alone before it")
    for block in found:
        inside = block.content.split("\n")
        if _OPENING[2:] in inside and block.type != BLOCK_TYPE:
            line = block.line + 1 + inside.index(_OPENING[2:])
            raise RecipeError(
                line, f"it stands in the block `# /// {block.type}`; an empty line between them parts them"
            )
    nearly = None if ours else _NEARLY.search(source.replace("\r\n", "\n"))
    if nearly is not None:
        line = source.replace("\r\n", "\n").count("\n", 0, nearly.start()) + 1
        raise RecipeError(line, f"a block begins with exactly `{_OPENING}`")
    return ours[0] if ours else None


def load(block: Block) -> dict[str, Any]:
    """Return the table that a block holds.

    Raises:
        RecipeError: when it is no TOML, or too large.
    """
    try:
        return recipe_table.load(block.content)
    except NoTable as error:
        raise RecipeError(block.line + (error.line or 0), str(error)) from None


def _signature_problems(table: Mapping[str, Any], cls: Class | None, namespace: Namespace | None) -> Iterator[Problem]:
    if cls is None or namespace is None:
        return
    for key, method in (("components", "__init__"), ("call", "__call__")):
        function = defined_in(cls, namespace, method)
        if not isinstance(function, Function):
            continue
        parameters = function.parameters
        names = [p.name for p in parameters if p.kind not in ("*", "**")]
        values = table.get(key, {})
        for name in unknown_names(values, parameters):
            yield Problem((key, name), unknown(f"`{method}` has no parameter {quoted(name)}", name, names))
        for parameter in parameters:
            if parameter.required and maker_of(values.get(parameter.name)) == OMIT:
                message = f"{quoted(parameter.name)} has no default, so that it cannot be left out"
                yield Problem((key, parameter.name), message)


def _place(problem: Problem, table: Mapping[str, Any], block: Block | None) -> tuple[int, str]:
    """Return the line of a problem in the file and its message; what the block does not say is pyproject.toml's."""
    inside: Any = table
    for part in problem.path[:2]:
        inside = inside.get(part) if isinstance(inside, Mapping) else None
    if block is None or (inside is None and problem.path):
        return 1 if block is None else block.line, f"the recipe in pyproject.toml: {problem.message}"
    return block.line + _line_of(problem.path, block.content.split("\n")), problem.message


def _line_of(path: Sequence[str], lines: Sequence[str]) -> int:
    """Return the line of the key that leads furthest along `path`, counted from 1; 0 when there is none.

    tomllib tells no lines. A key within a multi-line string may mislead this, to another line of the same block.
    """
    best, best_line = 0, 0
    header: tuple[str, ...] = ()
    for number, line in enumerate(lines, 1):
        if match := _HEADER.match(line):
            header = here = _parts(match[1])
        elif match := _KEY.match(line):
            here = (*header, *_parts(match[1]))
        else:
            continue
        length = min(len(here), len(path))
        if here[:length] == tuple(path[:length]) and length > best:
            best, best_line = length, number
    return best_line


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_KEY_PART, key, re.ASCII))
