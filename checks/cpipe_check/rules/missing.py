"""What the rules on missing modules and names share: where a cause stands, how far it loads, how to mend it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from cpipe_check.api_index import SOURCE
from cpipe_check.api_index.target import Target
from cpipe_check.pipeline_file import PipelineFile, syntax
from cpipe_check.pipeline_file.facts import Imported
from cpipe_check.pipeline_file.load_effects import Cause
from cpipe_check.rules.base import Change

_COMMENT = re.compile(r"#.*")


@dataclass(frozen=True, slots=True)
class _Move:
    """One name of an import statement that is to be imported from elsewhere; `both` when from the old place too."""

    alias: cst.ImportAlias
    old: Imported
    new: Imported
    both: bool

    @property
    def renamed(self) -> str:
        """The new name in the place of the old one, bound to what that was bound to."""
        return self.new.name or "" if self.alias.asname else f"{self.new.name} as {self.old.name}"

    def line(self, imported: Imported) -> str:
        """The import of this name from the new or the old place, bound to what it was bound to."""
        bound = syntax.dotted(self.alias.asname.name) if self.alias.asname else self.old.name
        renamed = f" as {bound}" if bound != imported.name else ""
        return f"from {imported.module} import {imported.name}{renamed}"


def causes(file: PipelineFile, library: str, kind: str) -> Iterator[Cause]:
    """Yield what fails on a release that the file is meant for."""
    if file.target is None or file.module is None:
        return
    for cause in file.effects(library).causes:
        if cause.kind == kind and cause.fails & file.target.choice(library).declared:
            yield cause


def history(target: Target, library: str, module: str, name: str | None) -> tuple[str, str]:
    """Return what became of a module or name, as the end of a sentence and as a short label."""
    choice = target.choice(library)
    runs = target.index.ranges(module, name)
    if choice.version == SOURCE:
        return "is not in this checkout of diffusers", ""
    if not runs:
        return f"is in no release of {library}", ""
    spans = ", ".join(run.first if run.first == run.last else f"{run.first} - {run.last}" for run in runs)
    label = f"only in {spans}"
    last = choice.versions.index(runs[-1].last)
    if last < choice.versions.index(choice.version):
        return f"was removed in {library} {choice.versions[last + 1]}", label
    return f"is not in {library} {choice.version}", label


def first_missing(target: Target, module: str) -> str:
    """Return the module that Python's error names on the target release: the outermost that is missing."""
    bit = target.choice(module.partition(".")[0]).bit
    parts = module.split(".")
    for i in range(1, len(parts)):
        yes, unknown = target.index.mask(".".join(parts[:i]))
        if not (yes | unknown) & bit:
            return ".".join(parts[:i])
    return module


def mended(file: PipelineFile, cause: Cause) -> tuple[str, tuple[Change, ...]]:
    """Return how to import it instead, in words and as changes; ("", ()) when no one place is known to have it.

    Where the releases that the file is meant for straddle the move, both places are tried.
    """
    statement, target, module = cause.statement, file.target, file.module
    if target is None or module is None or not isinstance(statement, cst.ImportFrom):
        return "", ()
    moves = _moves(target, statement)
    if not moves:
        return "", ()
    first = moves[0]
    advice = f"write `{first.line(first.new)}`   ({_since(target, first.new)})"
    aliases = [] if isinstance(statement.names, cst.ImportStar) else statement.names
    homes = {move.new.module for move in moves}
    as_before = not any(move.both or move.new.name != move.old.name for move in moves)
    if len(moves) == len(aliases) and len(homes) == 1 and as_before and statement.module is not None:
        return advice, (Change(statement.module, (first.new.module,)),)
    if not any(move.both or move.new.module != move.old.module for move in moves):
        return advice, tuple(Change(move.alias.name, (move.renamed,)) for move in moves)
    moved = {move.alias for move in moves}
    kept = [alias for alias in aliases if alias not in moved]
    lines = module.code_for_node(_with_only(statement, kept)).strip().splitlines() if kept else []
    lines += [line for move in moves for line in _lines(move, module.default_indent)]
    if _loses_comment(module, statement, moved, lines):
        return advice, ()
    return advice, (Change(statement, tuple(lines)),)


def _moves(target: Target, statement: cst.ImportFrom) -> list[_Move]:
    """What to import from elsewhere, nothing when that would not mend the whole statement."""
    if isinstance(statement.names, cst.ImportStar) or statement.relative:
        return []
    moves = []
    for alias in statement.names:
        old = Imported(syntax.dotted(statement.module) or "", syntax.dotted(alias.name))
        if not _missing(target, old) & target.choice(old.root).declared:
            continue
        new = _home(target, old)
        if new is None:
            return []
        moves.append(_Move(alias, old, new, bool(_missing(target, new) & target.choice(new.root).declared)))
    return moves


def _with_only(statement: cst.ImportFrom, kept: Sequence[cst.ImportAlias]) -> cst.ImportFrom:
    """The statement without its other names, and with the end that it has."""
    assert not isinstance(statement.names, cst.ImportStar)
    last = kept[-1].with_changes(comma=statement.names[-1].comma)
    return statement.with_changes(names=[*kept[:-1], last if kept[-1] is not statement.names[-1] else kept[-1]])


def _loses_comment(
    module: cst.Module, statement: cst.ImportFrom, moved: Collection[cst.ImportAlias], lines: Sequence[str]
) -> bool:
    """Tell whether a comment in the statement would go, or stand beside another name than it did."""
    comments = Counter(_COMMENT.findall(module.code_for_node(statement)))
    aliases = [] if isinstance(statement.names, cst.ImportStar) else statement.names
    beside = any("#" in module.code_for_node(alias).partition(",")[2] for alias in aliases if alias in moved)
    return beside or bool(comments - Counter(_COMMENT.findall("\n".join(lines))))


def _lines(move: _Move, indent: str) -> list[str]:
    if not move.both:
        return [move.line(move.new)]
    return ["try:", indent + move.line(move.new), "except ImportError:", indent + move.line(move.old)]


def _since(target: Target, new: Imported) -> str:
    run = target.index.ranges(new.module, new.name)[-1]
    newest = target.choice(new.root).versions[-1]
    return f"{run.first} and newer" if run.last == newest else f"{run.first} - {run.last}"


def _home(target: Target, old: Imported) -> Imported | None:
    """Where the target release has what was at the old place, with no release meant that has it at neither."""
    choice = target.choice(old.root)
    new = _renamed(target, old)
    if new is None:
        module = target.index.new_home(old.module, old.name, choice.version)
        new = None if module is None else Imported(module, old.name)
    if new is None or new == old or _missing(target, new) & choice.bit:
        return None
    return None if _missing(target, old) & _missing(target, new) & choice.declared else new


def _renamed(target: Target, old: Imported) -> Imported | None:
    """transformers' feature extractors for images were subclasses of its image processors that changed nothing."""
    name = (old.name or "").removesuffix("FeatureExtractor")
    if old.root != "transformers" or name in ("", old.name) or not target.index.ranges(old.module, old.name):
        return None
    return Imported(old.module, f"{name}ImageProcessor")


def _missing(target: Target, imported: Imported) -> int:
    module_yes, _ = target.index.mask(imported.module)
    name_yes, _ = target.index.mask(imported.module, imported.name)
    return target.choice(imported.root).everything & ~(module_yes & name_yes)
