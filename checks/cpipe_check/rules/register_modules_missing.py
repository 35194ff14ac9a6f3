"""`register_modules` is never called.

`register_modules` is what makes a component a part of the pipeline: `save_pretrained` writes the registered ones, and
`pipe.to`, `pipe.components` and the offloading functions go through them. Without it the saved pipeline is empty and
does not load again.

Call `self.register_modules(unet=unet, scheduler=scheduler, ...)` in `__init__` with every component.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import Problem, Rule, case

_PIPELINE = """
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        super().__init__()
        self.unet = unet
        self.scheduler = scheduler
"""


def check(file: PipelineFile) -> Iterator[Problem]:
    init, facts = file.init, file.init_facts
    if init is None or facts is None or not init.plain or facts.hides_more or "register_modules" in file.source:
        return
    missing = [p.name for p in facts.function.parameters if p.required and p.name not in facts.registered]
    if missing:
        yield Problem(
            facts.function.node.name,
            "`register_modules` is never called",
            label=f"{', '.join(missing)} cannot be saved",
            consequence=file.components_error(),
            advice=f"add `self.register_modules({', '.join(f'{name}={name}' for name in missing)})`",
        )


RULE = Rule(
    code="CP203",
    name="register-modules-missing",
    docs=__doc__,
    check=check,
    breaks="components",
    bad=(case(_PIPELINE),),
    good=(
        case(_PIPELINE + "        self.register_modules(unet=unet, scheduler=scheduler)\n"),
        case(_PIPELINE + "        self.keep()\n\n    def keep(self):\n"
             "        self.register_modules(unet=self.unet, scheduler=self.scheduler)\n"),
    ),
)  # fmt: skip
