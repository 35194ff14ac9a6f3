"""A module of diffusers that the release does not have.

diffusers moves its modules between releases: `models/unet_2d.py` went to `models/unets/`, old pipelines to
`pipelines/deprecated/`. An import of the old place ends the loading of the file.

Import from the top level (`from diffusers import ...`) where the name is public; those imports stay. Else import from
the new place, and from the old one in `except ImportError` where older releases are meant too.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Case, Problem, Rule, case
from cpipe_check.rules.missing import causes, first_missing, history, mended

_OLD = "from diffusers.pipelines.controlnet.multicontrolnet import MultiControlNetModel\n"
_NEW = "from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel\n"


def check(file: PipelineFile) -> Iterator[Problem]:
    for cause in causes(file, "diffusers", "module"):
        assert file.target is not None
        module = cause.imported.module
        became, label = history(file.target, "diffusers", module, None)
        advice, changes = mended(file, cause)
        yield Problem(
            cause.node,
            f"`{module}` {became}",
            label=label,
            consequence=f"ModuleNotFoundError: No module named '{first_missing(file.target, module)}'",
            advice=advice,
            changes=changes,
        )


RULE = Rule(
    code="CP301",
    name="module-missing",
    docs=__doc__,
    check=check,
    breaks="load",
    versioned=True,
    bad=(
        case(_OLD + PIPELINE),
        case("import diffusers.no_such_module\n" + PIPELINE),
        case("try:\n    import diffusers.no_such_module\nexcept ImportError:\n    " + _OLD + PIPELINE),
        case("if torch.__version__:\n    pass\nelse:\n    pass\n" + _OLD + PIPELINE),
        case("class Holder:\n    " + _OLD + PIPELINE),
    ),
    good=(
        case(_NEW + PIPELINE),
        case("try:\n    " + _OLD + "except ImportError:\n    " + _NEW + PIPELINE),
        case("try:\n    " + _OLD + "except Exception:\n    MultiControlNetModel = None\n" + PIPELINE),
        case("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    " + _OLD + PIPELINE),
        case("import contextlib\nwith contextlib.suppress(ImportError):\n    " + _OLD + PIPELINE),
        case("def later():\n    " + _OLD + PIPELINE),
        Case(
            "import diffusers\nfrom diffusers import DiffusionPipeline\nfrom packaging import version\n"
            "if version.parse(diffusers.__version__) < version.parse('0.32'):\n    " + _OLD + PIPELINE
        ),
    ),
)
