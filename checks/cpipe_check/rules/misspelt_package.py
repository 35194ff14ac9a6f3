"""A misspelt package: `diffuser` for `diffusers`.

There is no such package, so the import ends the loading of the file. Inside `try` with `except ImportError` it would be
skipped silently.
"""

import re
from collections.abc import Iterator

import libcst as cst

from cpipe_check.api_index.target import is_installed
from cpipe_check.pipeline_file import PipelineFile, syntax
from cpipe_check.pipeline_file.facts import Import
from cpipe_check.rules.base import PIPELINE, Change, Problem, Rule, case

_SLIPS = {
    "diffuser": "diffusers", "difusers": "diffusers", "difussers": "diffusers", "diffuesrs": "diffusers",
    "diffusors": "diffusers", "diffsuers": "diffusers", "transformer": "transformers", "transfomers": "transformers",
    "tranformers": "transformers", "transformes": "transformers", "transfromers": "transformers",
}  # fmt: skip


def check(file: PipelineFile) -> Iterator[Problem]:
    for item in file.namespace.imports if file.namespace else ():
        root = item.imported.root
        if root in _SLIPS and not item.guards and not is_installed(root):
            yield Problem(
                item.node,
                f"there is no package `{root}`",
                label=f"a slip for `{_SLIPS[root]}`",
                consequence=f"ModuleNotFoundError: No module named '{root}'",
                advice=f"write `{_SLIPS[root]}`",
                changes=_changes(file, item),
            )


def _changes(file: PipelineFile, item: Import) -> tuple[Change, ...]:
    """None where the right package never had what is asked for, or where the wrong name is in use further on."""
    root, target = item.imported.root, file.target
    node, from_it = _package(file, item)
    if node is None or target is None:
        return ()
    module = _SLIPS[root] + item.imported.module.removeprefix(root)
    name = None if item.imported.name == "*" else item.imported.name
    if not target.index.ranges(module, name):
        return ()
    in_use = not from_it and item.bound_as == root and len(re.findall(rf"\b{root}\b", file.source)) > 1
    return () if in_use else (Change(node, (_SLIPS[root],)),)


def _package(file: PipelineFile, item: Import) -> tuple[cst.CSTNode | None, bool]:
    """The node that names the package, and whether it stands after `from`."""
    for node in syntax.walk(file.module) if file.module else ():
        if isinstance(node, (cst.Import, cst.ImportFrom)):
            names = () if isinstance(node.names, cst.ImportStar) else node.names
            if node is item.node or any(alias is item.node for alias in names):
                from_it = isinstance(node, cst.ImportFrom)
                path: cst.CSTNode | None = getattr(node if from_it else item.node, "module" if from_it else "name")
                while isinstance(path, cst.Attribute):
                    path = path.value
                return path, from_it
    return None, False


RULE = Rule(
    code="CP304",
    name="misspelt-package",
    docs=__doc__,
    check=check,
    breaks="load",
    bad=(
        case("from diffuser.utils import logging\n" + PIPELINE),
        case("import transformer\n" + PIPELINE),
        case("import os, transfomers.models.clip as clip\n" + PIPELINE),
        case("import transformer\nTokenizer = transformer.CLIPTokenizer\n" + PIPELINE),
    ),
    good=(
        case("from diffusers.utils import logging\n" + PIPELINE),
        case("try:\n    import diffuser\nexcept ImportError:\n    pass\n" + PIPELINE),
    ),
)
