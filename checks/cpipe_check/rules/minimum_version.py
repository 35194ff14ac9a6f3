"""`check_min_version` asks for a newer diffusers than the release.

`check_min_version("0.31.0.dev0")` comes from the example scripts, which run against the main branch. In a pipeline
file it makes every older release refuse the file, and a number that is ahead of the newest release makes all of them
refuse.

Leave it out: an import that is missing says what is wrong by itself.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case
from cpipe_check.rules.missing import causes

_ASK = "from diffusers.utils import check_min_version\n\ncheck_min_version({version!r})\n"


def check(file: PipelineFile) -> Iterator[Problem]:
    for cause in causes(file, "diffusers", "minimum"):
        assert file.target is not None
        yield Problem(
            cause.node,
            f"`check_min_version` asks for diffusers {cause.what}",
            label=f"{file.target.diffusers.version} is older",
            consequence="ImportError: This example requires a",
            advice="leave `check_min_version` out",
        )


RULE = Rule(
    code="CP306",
    name="minimum-version",
    docs=__doc__,
    check=check,
    breaks="load",
    versioned=True,
    bad=(
        case(_ASK.format(version="99.0.0.dev0") + PIPELINE),
        case(_ASK.format(version="99.0.0") + PIPELINE),
    ),
    good=(
        case(_ASK.format(version="0.18.0.dev0") + PIPELINE),
        case("def check_later():\n    from diffusers.utils import check_min_version\n\n"
             "    check_min_version('99.0.0')\n" + PIPELINE),
    ),
)  # fmt: skip
