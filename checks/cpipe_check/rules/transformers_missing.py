"""A module or name that the release of transformers does not have.

transformers 5 dropped feature extractors, model classes for other frameworks and many helpers. An import of a name
that is not there ends the loading of the file.

Import its successor (`CLIPImageProcessor` for `CLIPFeatureExtractor`), with the old name in `except ImportError` where
older releases are meant too.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case
from cpipe_check.rules.missing import causes, history, mended

_GUARDED = """
try:
    from transformers import CLIPFeatureExtractor
except ImportError:
    from transformers import CLIPImageProcessor as CLIPFeatureExtractor
"""


def check(file: PipelineFile) -> Iterator[Problem]:
    for kind in ("module", "name"):
        for cause in causes(file, "transformers", kind):
            assert file.target is not None
            module = cause.imported.module
            name = cause.imported.name if kind == "name" else None
            became, label = history(file.target, "transformers", module, name)
            advice, changes = mended(file, cause)
            missing = f"`{name}` of `{module}`" if name else f"`{module}`"
            yield Problem(
                cause.node,
                f"{missing} {became}",
                label=label,
                consequence=f"cannot import name '{name}'" if name else "No module named 'transformers.",
                advice=advice,
                changes=changes,
            )


RULE = Rule(
    code="CP303",
    name="transformers-missing",
    docs=__doc__,
    check=check,
    breaks="load",
    versioned=True,
    bad=(
        case("from transformers import NoSuchModelAnywhere\n" + PIPELINE),
        case("from transformers.no_such_module import Anything\n" + PIPELINE),
        case("from transformers import CLIPFeatureExtractor\n" + PIPELINE),
        case("from transformers import (\n    CLIPFeatureExtractor as Extractor,\n    CLIPTextModel,\n)\n" + PIPELINE),
    ),
    good=(
        case("from transformers import CLIPTextModel, CLIPTokenizer\n" + PIPELINE),
        case(_GUARDED.lstrip() + PIPELINE),
        case("from transformers import T5TokenizerFast\n" + PIPELINE),
    ),
)
