"""The file raises an error while it is imported.

A `raise` at the top level of the file, or in an `except ImportError` that a missing name leads to, ends the loading.
The loader has no other way to run the file than to import it.

Raise inside the function that needs what is missing, so that the rest can be used.
"""

from collections.abc import Iterator

from cpipe_check.api_index.target import LIBRARIES
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case
from cpipe_check.rules.missing import causes

_RAISING = """try:
    from diffusers import no_such_name
except ImportError as error:
    raise RuntimeError("please install another diffusers") from error
"""


def check(file: PipelineFile) -> Iterator[Problem]:
    found = {cause.node: cause for library in LIBRARIES for cause in causes(file, library, "raise")}
    for node, cause in found.items():
        yield Problem(
            node,
            f"importing the file raises {cause.what}",
            consequence=cause.what,
            advice="raise inside the function that needs what is missing",
        )


RULE = Rule(
    code="CP106",
    name="raises-at-import",
    docs=__doc__,
    check=check,
    breaks="load",
    versioned=True,
    bad=(
        case("raise RuntimeError('not here')\n" + PIPELINE),
        case(_RAISING + PIPELINE),
        case(_RAISING.replace("diffusers import", "transformers import") + PIPELINE),
        case("try:\n    import diffusers.no_such\nexcept ImportError:\n    raise\n" + PIPELINE),
    ),
    good=(
        case(_RAISING.replace("no_such_name", "DDPMPipeline") + PIPELINE),
        case("def later():\n    raise RuntimeError('not here')\n" + PIPELINE),
        case("try:\n    raise ValueError('skip')\nexcept ValueError:\n    pass\n" + PIPELINE),
        case("if __name__ == '__main__':\n    raise SystemExit('a pipeline is no script')\n" + PIPELINE),
    ),
)
