"""The file gives the loader more than one pipeline class.

The loader takes the one class among the file's names that inherits from `DiffusionPipeline`, and refuses to choose. It
goes by names: an alias counts as a second class, and so does a pipeline class imported from a file beside this one.
Classes imported from diffusers do not count.

Keep one pipeline class a file. Turn a shared base class into a plain mixin, delete aliases.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import LocalClass, Truth
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case


def check(file: PipelineFile) -> Iterator[Problem]:
    sure = {name: value for name, (answer, value) in file.candidates.items() if answer is Truth.YES}
    if file.namespace is None or file.namespace.dynamic or len(sure) < 2:
        return
    names = sorted(sure)
    value = sure[names[1]]
    node = file.namespace.classes[value.index].node.name if isinstance(value, LocalClass) else None
    imports = [i.node for i in file.namespace.imports if i.bound_as in sure and i.imported.level]
    yield Problem(
        node or imports[0],
        f"the loader finds {len(names)} pipeline classes: {', '.join(f'`{name}`' for name in names)}",
        label="one of them" if len(names) > 2 else "the second one",
        consequence="ValueError: Multiple classes that inherit from DiffusionPipeline have been found",
        advice="keep one pipeline class in the file; aliases and pipelines imported from other files count too",
    )


RULE = Rule(
    code="CP104",
    name="several-pipeline-classes",
    docs=__doc__,
    check=check,
    breaks="load",
    bad=(
        case(PIPELINE + "\n\nclass Second(DiffusionPipeline):\n    pass\n"),
        case(PIPELINE + "\n\nclass Second(MyPipeline):\n    pass\n"),
        case(PIPELINE + "\n\nAlias = MyPipeline\n"),
        case(
            "from .other import OtherPipeline\n\n" + PIPELINE,
            {
                "other.py": "from diffusers import DiffusionPipeline\n\n\n"
                "class OtherPipeline(DiffusionPipeline):\n    pass\n"
            },
        ),
    ),
    good=(
        case("from diffusers import DDPMPipeline\n\n" + PIPELINE),
        case(PIPELINE + "\n\nclass Second(MyPipeline):\n    pass\n\n\ndel Second\n"),
        case(PIPELINE + "\n\ndef make():\n    class Second(MyPipeline):\n        pass\n"),
        case(PIPELINE + "\n\nclass Mixin:\n    pass\n"),
    ),
)
