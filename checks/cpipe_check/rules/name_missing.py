"""A name that a module of diffusers does not have in the release.

Functions and classes move or go: `randn_tensor` went from `diffusers.utils` to `diffusers.utils.torch_utils`. An
import of a name that is not there ends the loading of the file.

Import it from where it is now. Private helpers of other pipelines come and go without notice: copy them.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case
from cpipe_check.rules.missing import causes, history, mended


def check(file: PipelineFile) -> Iterator[Problem]:
    for cause in causes(file, "diffusers", "name"):
        assert file.target is not None
        module, name = cause.imported.module, cause.imported.name
        became, label = history(file.target, "diffusers", module, name)
        advice, changes = mended(file, cause)
        yield Problem(
            cause.node,
            f"`{name}` of `{module}` {became}",
            label=label,
            consequence=f"ImportError: cannot import name '{name}' from '{module}'",
            advice=advice,
            changes=changes,
        )


RULE = Rule(
    code="CP302",
    name="name-missing",
    docs=__doc__,
    check=check,
    breaks="load",
    versioned=True,
    bad=(
        case("from diffusers.utils import randn_tensor\n" + PIPELINE),
        case("from diffusers.utils import (\n    logging,\n    randn_tensor as noise,\n)\n" + PIPELINE),
        case("from diffusers import NoSuchPipeline\n" + PIPELINE),
        case("from diffusers.utils import is_torch_available\nif is_torch_available():\n"
             "    from diffusers.utils import randn_tensor\n" + PIPELINE),
    ),
    good=(
        case("from diffusers.utils.torch_utils import randn_tensor\n" + PIPELINE),
        case("try:\n    from diffusers.utils import randn_tensor\nexcept ImportError:\n"
             "    from diffusers.utils.torch_utils import randn_tensor\n" + PIPELINE),
        case("from diffusers.utils import is_torch_available\nif not is_torch_available():\n"
             "    from diffusers.utils import randn_tensor\n" + PIPELINE),
    ),
)  # fmt: skip
