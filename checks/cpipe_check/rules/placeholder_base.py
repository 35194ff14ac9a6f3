"""The base class is a placeholder here, since an optional package is missing.

For classes that need onnxruntime, sentencepiece and the like, diffusers gives a placeholder where the package is not
installed. It can be imported and inherited from, but it is no pipeline: the loader finds no pipeline class.

Install the package, or inherit from `DiffusionPipeline` and import the package yourself.
"""

from collections.abc import Iterator

from cpipe_check.api_index.target import is_installed
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.placeholders import placeholder_bases
from cpipe_check.rules.base import Case, Problem, Rule

_ONNX = (
    "from diffusers import OnnxStableDiffusionPipeline\n\n\nclass MyPipeline(OnnxStableDiffusionPipeline):\n    pass\n"
)


def check(file: PipelineFile) -> Iterator[Problem]:
    if file.namespace is None or file.open_ended or file.candidates:
        return
    for cls, base, missing in placeholder_bases(file):
        yield Problem(
            cls.node.name,
            f"its base `{base.name}` is a placeholder without {', '.join(missing)}",
            label="no pipeline class, where that is not installed",
            consequence="AttributeError: 'NoneType' object has no attribute",
            advice=f"install {' '.join(missing)}",
        )


RULE = Rule(
    code="CP307",
    name="placeholder-base",
    docs=__doc__,
    check=check,
    breaks="load",
    versioned=True,
    # Where onnxruntime is installed there is nothing wrong with it.
    bad=() if is_installed("onnx") else (Case(_ONNX),),
    good=(Case("from diffusers import DDPMPipeline\n\n\nclass MyPipeline(DDPMPipeline):\n    pass\n"),),
)
