"""`__init__` does not call `super().__init__()`.

`DiffusionPipeline` has no `__init__` today, so nothing breaks at once. A pipeline that inherits from another pipeline
misses everything that its parent sets up, and every pipeline will miss what diffusers may add.

Start `__init__` with `super().__init__()`.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import Problem, Rule, case


def check(file: PipelineFile) -> Iterator[Problem]:
    facts = file.init_facts
    if facts is None or facts.calls_base_init or facts.super_calls:
        return
    yield Problem(
        facts.function.node.name,
        "`__init__` does not call `super().__init__()`",
        advice="start `__init__` with `super().__init__()`",
    )


RULE = Rule(
    code="CP201",
    name="super-init-missing",
    docs=__doc__,
    check=check,
    bad=(
        case("""
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        self.register_modules(unet=unet, scheduler=scheduler)
"""),
    ),
    good=(
        case("""
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
"""),
        case("""
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        DiffusionPipeline.__init__(self)
        self.register_modules(unet=unet, scheduler=scheduler)
"""),
    ),
)
