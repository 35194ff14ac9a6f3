"""A relative import that the loader cannot satisfy.

The loader finds relative imports with a regular expression over the text: docstrings, comments' neighbours, `try`
bodies and functions included. It copies `NAME.py` from the directory of the pipeline file for each `from .NAME
import`, and fails when there is none. It does not understand `from . import NAME`, two dots, or a file in a deeper
folder than one, and it does not copy what the copied files import themselves.

Import from the installed package (`from diffusers.models import ...`), put the code into the pipeline file, or put the
file beside it. A pipeline in `examples/community` is always loaded alone.
"""

import re
from collections.abc import Iterator, Sequence

import libcst as cst

from cpipe_check.api_index.target import Target
from cpipe_check.finding import Span
from cpipe_check.pipeline_file import PipelineFile, syntax
from cpipe_check.rules.base import PIPELINE, Change, Problem, Rule, case

_REACHABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)?")
# What a relative import of two dots or more may lead to from a file in diffusers' own tree.
_PACKAGES = ("diffusers", "diffusers.models", "diffusers.pipelines", "diffusers.schedulers")
_DOTS_ONLY = re.compile(r"[\w.]*")


def check(file: PipelineFile) -> Iterator[Problem]:
    if file.refusal is not None:
        return
    copied: dict[str, Span] = {}
    for name, span in file.loader_relative_imports():
        reachable = _REACHABLE.fullmatch(name)
        if reachable and file.read_sibling(name) is not None:
            copied[name] = span
        elif _DOTS_ONLY.fullmatch(name):
            yield Problem(
                span,
                f"the loader cannot find `.{name}`",
                label=f"there is no {name.replace('.', '/')}.py beside this file" if reachable else "more than one dot",
                consequence="FileNotFoundError: [Errno 2] No such file or directory",
                advice="import from the installed package, or put the code into this file",
                changes=_changes(file, name),
            )
            return
    yield from _not_copied(file, copied)
    yield from _not_copied_for_siblings(file, copied)


def _changes(file: PipelineFile, name: str) -> tuple[Change, ...]:
    """What stood in diffusers' own tree is imported from there; none when any import of `name` is not for certain."""
    found: list[Change] = []
    for node in syntax.walk(file.module) if file.module else ():
        if not isinstance(node, cst.ImportFrom) or not node.relative:
            continue
        path = syntax.dotted(node.module) or ""
        package = _package(file, node, path)
        if package is not None:
            first, *others = node.relative
            found += [Change(first, (package + "." * bool(path),)), *(Change(dot, ("",)) for dot in others)]
        elif "." * (len(node.relative) - 1) + path == name:
            return ()
    return tuple(found)


def _package(file: PipelineFile, node: cst.ImportFrom, path: str) -> str | None:
    """The one package of diffusers that has all that a relative import asks for, None when that is not clear."""
    target = file.target
    if target is None or isinstance(node.names, cst.ImportStar):
        return None
    names = [syntax.dotted(alias.name) or "" for alias in node.names]
    if len(node.relative) > 1:
        packages: set[str] = set(_PACKAGES)
    elif path and file.read_sibling(path) is None:
        homes = {target.index.new_home(f"diffusers.{path}", name, target.diffusers.version) or "" for name in names}
        packages = {home.removesuffix(f".{path}") for home in homes if home.endswith(f".{path}")}
    else:
        return None
    fitting = [package for package in packages if _has_all(target, f"{package}.{path}".rstrip("."), names)]
    return fitting[0] if len(fitting) == 1 else None


def _has_all(target: Target, module: str, names: Sequence[str]) -> bool:
    declared = target.diffusers.declared
    return all(target.index.mask(module, name)[0] & declared == declared for name in names)


def _not_copied(file: PipelineFile, copied: dict[str, Span]) -> Iterator[Problem]:
    """Imports that the regular expression misses: nothing is copied for them, so they fail when they run."""
    for item in file.namespace.imports if file.namespace else ():
        module, name = item.imported.module, item.imported.name
        if item.guards or not item.imported.level or module in copied:
            continue
        if item.imported.level == 1 and name != "*" and not (module == "" and name in copied):
            yield Problem(
                item.node,
                f"the loader does not copy the file for `.{module}`"
                if module
                else f"the loader does not copy `{name}.py`",
                label="written in a form that its regular expression misses",
                consequence=f"No module named 'diffusers_modules.local.{module}'" if module else "cannot import name",
                advice=f"write `from .{module or name} import ...` on one line of its own",
            )


def _not_copied_for_siblings(file: PipelineFile, copied: dict[str, Span]) -> Iterator[Problem]:
    """What a copied file imports beside itself is only there when the pipeline file imports it too."""
    for name, span in copied.items():
        sibling = file.siblings.get(name)
        for item in sibling.namespace.imports if sibling and sibling.namespace else ():
            module = item.imported.module
            if not item.guards and item.imported.level == 1 and module and "." not in name and module not in copied:
                yield Problem(
                    span,
                    f"`{name}.py` imports `.{module}`, which the loader does not copy",
                    consequence=f"No module named 'diffusers_modules.local.{module}'",
                    advice=f"put the code of {module}.py into {name}.py",
                )
                return


RULE = Rule(
    code="CP105",
    name="relative-import",
    docs=__doc__,
    check=check,
    breaks="load",
    bad=(
        case("from .helper import help_me\n\n" + PIPELINE),
        case("from ...models import UNet2DModel\n\n" + PIPELINE),
        case(
            "from ...models import UNet2DModel\nfrom ...utils.torch_utils import (\n    randn_tensor,\n)\n\n" + PIPELINE
        ),
        case("from .pipeline_output import StableDiffusion3PipelineOutput\n\n" + PIPELINE),
        case("from ..pipelines.no_such import UNet2DModel\n\n" + PIPELINE),
        case("try:\n    from .helper import help_me\nexcept ImportError:\n    help_me = None\n\n" + PIPELINE),
        case('"""Example:\n\n    from .helper import help_me\n"""\n' + PIPELINE),
        case("from . import helper\n\n" + PIPELINE, {"helper.py": "help_me = 1\n"}),
        case("from .helper import a\n\n" + PIPELINE, {"helper.py": "from .deep import a\n", "deep.py": "a = 1\n"}),
        case("import os; from .helper import help_me\n\n" + PIPELINE, {"helper.py": "help_me = 1\n"}),
    ),
    good=(
        case("from .helper import help_me\n\n" + PIPELINE, {"helper.py": "help_me = 1\n"}),
        case("try:\n    from . import helper\nexcept ImportError:\n    helper = None\n\n" + PIPELINE),
        case("from .helper import help_me\nfrom . import helper\n\n" + PIPELINE, {"helper.py": "help_me = 1\n"}),
    ),
)
