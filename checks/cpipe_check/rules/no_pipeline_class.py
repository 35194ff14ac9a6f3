"""The file defines no pipeline class.

The loader imports the file and looks through its names for a class that inherits from `DiffusionPipeline`. Classes of
diffusers itself do not count, nor do classes inside a function or under `if __name__ == "__main__"`.

Define one class that inherits from `DiffusionPipeline`, at the top level of the file.
"""

from collections.abc import Iterator

from cpipe_check.finding import FILE_START
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.placeholders import placeholder_bases
from cpipe_check.rules.base import Case, Problem, Rule, case


def check(file: PipelineFile) -> Iterator[Problem]:
    if file.namespace is None or file.open_ended or file.candidates or placeholder_bases(file):
        return
    classes = file.namespace.classes
    yield Problem(
        classes[0].node.name if classes else FILE_START,
        "no class here inherits from `DiffusionPipeline`",
        label="not a pipeline class" if classes else "",
        consequence="AttributeError: 'NoneType' object has no attribute",
        advice="define one class that inherits from `DiffusionPipeline`",
    )


RULE = Rule(
    code="CP103",
    name="no-pipeline-class",
    docs=__doc__,
    check=check,
    breaks="load",
    bad=(
        Case(""),
        case("class MyPipeline:\n    def __init__(self, unet, scheduler):\n        pass\n"),
        Case("from diffusers import DDPMPipeline\n\nMyPipeline = DDPMPipeline\n"),
        case("def make():\n    class MyPipeline(DiffusionPipeline):\n        pass\n"),
        case('if __name__ == "__main__":\n\n    class MyPipeline(DiffusionPipeline):\n        pass\n'),
        case("class MyPipeline(DiffusionPipeline):\n    pass\n\n\ndel MyPipeline\n"),
    ),
    good=(
        case("""
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
"""),
        Case("from diffusers import DDPMPipeline\n\n\nclass MyPipeline(DDPMPipeline):\n    pass\n"),
    ),
)
