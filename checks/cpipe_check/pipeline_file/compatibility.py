"""The verdict on loading, for one release and for all of them."""

from __future__ import annotations

import sys

from cpipe_check.api_index.target import LIBRARIES
from cpipe_check.pipeline_file.facts import Imported, Truth, Value
from cpipe_check.pipeline_file.file import PipelineFile
from cpipe_check.pipeline_file.load_effects import Cause, Effects
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.text import clean_line


def loads(file: PipelineFile) -> bool | None:
    """Return whether the loader finds the pipeline class on the target's releases; None when that cannot be told.

    Other packages than diffusers and transformers count as installed. What only goes wrong when the pipeline is made is
    not counted: the loader has the class by then.
    """
    if file.refusal is not None:
        return False
    if file.target is None or file.module is None:
        return None
    one_class = structure(file)
    if one_class is Truth.NO:
        return False
    sure = one_class is Truth.YES
    for library in LIBRARIES:
        effects, declared = file.effects(library), file.target.choice(library).declared
        if effects.fails & declared:
            return False
        sure = sure and not effects.unknown & declared
    return True if sure else None


def structure(file: PipelineFile) -> Truth:
    """Return whether the module has exactly one pipeline class once it has been imported."""
    answers = [answer for _, (answer, value) in file.candidates.items() if not _unlikely(value)]
    if file.namespace is None:
        return Truth.UNKNOWN
    if answers.count(Truth.YES) > 1 and not file.namespace.dynamic:
        return Truth.NO
    if file.open_ended:
        return Truth.UNKNOWN
    if not file.candidates:
        return Truth.NO
    return Truth.YES if answers == [Truth.YES] else Truth.UNKNOWN


def _unlikely(value: Value) -> bool:
    """True for a class of a third package that is not even called a pipeline."""
    return isinstance(value, Imported) and not value.level and "Pipeline" not in (value.name or "")


def ranges(file: PipelineFile, library: str, possible: bool) -> tuple[LoadRange, ...]:
    """Return on which releases of `library` the file loads, from old to new, the other library being at its target.

    `possible` is False when something else than a missing name keeps the file from loading anywhere.
    """
    if file.target is None or file.module is None or not possible:
        return ()
    effects = file.effects(library)
    choice = file.target.choice(library)
    certain = structure(file) is Truth.YES
    states = [_state(effects, i, certain) for i in range(len(choice.versions))]
    found = []
    start = 0
    for i in range(1, len(states) + 1):
        if i < len(states) and states[i] == states[start]:
            continue
        if states[start] != "fails":
            before = _why(effects, start - 1) if start and states[start - 1] == "fails" else ""
            after = _why(effects, i) if i < len(states) and states[i] == "fails" else ""
            known = True if states[start] == "loads" else None
            sampled = library == "transformers"
            first, last, before, after = map(
                clean_line, (choice.versions[start], choice.versions[i - 1], before, after)
            )
            found.append(LoadRange(first, last, known, before, after, sampled))
        start = i
    return tuple(found)


def _state(effects: Effects, i: int, certain: bool) -> str:
    if effects.fails >> i & 1:
        return "fails"
    return "loads" if certain and not effects.unknown >> i & 1 else "unknown"


def _why(effects: Effects, i: int) -> str:
    """Return what fails on release *i*: the first cause, and how many more there are."""
    causes = [cause for cause in effects.causes if cause.fails >> i & 1]
    if not causes:
        return ""
    more = f", and {len(causes) - 1} more" if len(causes) > 1 else ""
    return reason(causes[0]) + more


def reason(cause: Cause) -> str:
    """Return what is missing, in a few words."""
    match cause.kind:
        case "minimum":
            return f"`check_min_version` asks for {cause.what}"
        case "raise":
            return f"the file raises {cause.what}"
        case "name":
            return f"`{cause.imported.module}` has no `{cause.imported.name}`"
        case _:
            return f"no module `{cause.imported.module}`"


def other_packages(file: PipelineFile) -> tuple[str, ...]:
    """Return the other packages that the file imports unguarded, which are taken for installed."""
    imports = file.namespace.imports if file.namespace else ()
    roots = {i.imported.root for i in imports if not i.guards}
    return tuple(sorted(roots - {"", "torch", *LIBRARIES} - sys.stdlib_module_names))
