"""What the rules on missing modules and names share: where a cause stands, how far it loads, how to mend it."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from cpipe_check.api_index import SOURCE
from cpipe_check.api_index.target import Target
from cpipe_check.pipeline_file import PipelineFile, syntax
from cpipe_check.pipeline_file.facts import Imported
from cpipe_check.pipeline_file.load_effects import Cause, imports_of


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


def mended(target: Target, cause: Cause) -> tuple[str, tuple[tuple[cst.CSTNode, str], ...]]:
    """Return how to import it instead, in words and as edits; ("", ()) when no one place is known to have it.

    Where the releases that the file is meant for straddle the move, both places are tried.
    """
    if cause.library != "diffusers" or not isinstance(cause.statement, cst.ImportFrom) or cause.imported.name == "*":
        return "", ()
    lines, advice = [], ""
    for imported, _ in imports_of(cause.statement):
        line = _line(imported, cause.statement)
        home = _home(target, imported)
        if home and home != imported.module:
            line = line.replace(f"from {imported.module} ", f"from {home} ")
            advice = advice or f"write `{line}`   ({_since(target, imported, home)})"
            if _needs_both(target, imported, home):
                old = _line(imported, cause.statement)
                line = f"try:\n    {line}\nexcept ImportError:\n    {old}"
        elif not _everywhere(target, imported):
            return "", ()
        lines.append(line)
    if not advice:
        return "", ()
    return advice, ((cause.statement, "\n".join(lines)),)


def _since(target: Target, imported: Imported, home: str) -> str:
    run = target.index.ranges(home, imported.name)[-1]
    newest = target.diffusers.versions[-1]
    return f"{run.first} and newer" if run.last == newest else f"{run.first} - {run.last}"


def _line(imported: Imported, statement: cst.ImportFrom) -> str:
    assert not isinstance(statement.names, cst.ImportStar)
    alias = next(a for a in statement.names if syntax.dotted(a.name) == imported.name)
    renamed = f" as {syntax.dotted(alias.asname.name)}" if alias.asname else ""
    return f"from {imported.module} import {imported.name}{renamed}"


def _home(target: Target, imported: Imported) -> str | None:
    if _everywhere(target, imported):
        return None
    home = target.index.new_home(imported.module, imported.name, target.diffusers.version)
    if home is None or _missing(target, Imported(home, imported.name)) & target.diffusers.bit:
        return None
    both = _missing(target, imported) & _missing(target, Imported(home, imported.name))
    return None if both & target.diffusers.declared else home


def _everywhere(target: Target, imported: Imported) -> bool:
    return not _missing(target, imported) & target.choice(imported.root).declared


def _needs_both(target: Target, imported: Imported, home: str) -> bool:
    return bool(_missing(target, Imported(home, imported.name)) & target.diffusers.declared)


def _missing(target: Target, imported: Imported) -> int:
    module_yes, _ = target.index.mask(imported.module)
    name_yes, _ = target.index.mask(imported.module, imported.name)
    return target.choice(imported.root).everything & ~(module_yes & name_yes)
