"""A misspelt package: `diffuser` for `diffusers`.

There is no such package, so the import ends the loading of the file. Inside `try` with `except ImportError` it would be
skipped silently.
"""

from collections.abc import Iterator

from cpipe_check.api_index.target import is_installed
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case

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
            )


RULE = Rule(
    code="CP304",
    name="misspelt-package",
    docs=__doc__,
    check=check,
    breaks="load",
    bad=(
        case("from diffuser.utils import logging\n" + PIPELINE),
        case("import transformer\n" + PIPELINE),
    ),
    good=(
        case("from diffusers.utils import logging\n" + PIPELINE),
        case("try:\n    import diffuser\nexcept ImportError:\n    pass\n" + PIPELINE),
    ),
)
