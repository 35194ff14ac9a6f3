"""A registered name is not a parameter of `__init__`.

diffusers compares the registered names with the parameters of `__init__` and finds the pipeline "incorrectly
initialized" when they differ: `pipe.components`, and the offloading functions that use it, fail, and the component is
not saved.

Make it a parameter, or keep it as a plain attribute (`self.helper = ...`).
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Parameter
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case


def check(file: PipelineFile) -> Iterator[Problem]:
    facts = file.init_facts
    if facts is None or file.init is None or not file.init.plain or file.init.owner is not file.pipeline_class:
        return
    parameters: tuple[Parameter, ...] = facts.function.parameters
    names = {p.name for p in parameters}
    for registration in facts.modules:
        for name, node in registration.keywords:
            if name not in names and not name.startswith("_") and registration.node in _certain(file):
                yield Problem(
                    node,
                    f"`{name}` is registered but is not a parameter of `__init__`",
                    label="diffusers expects the parameters here, no more and no less",
                    consequence=file.components_error(),
                    advice=f"make `{name}` a parameter of `__init__`, or set `self.{name} = ...` instead",
                )


def _certain(file: PipelineFile) -> set[object]:
    return {step.node for step in file.init_facts.steps if step.kind == "modules"} if file.init_facts else set()


RULE = Rule(
    code="CP205",
    name="registered-not-a-parameter",
    docs=__doc__,
    check=check,
    breaks="components",
    bad=(
        case(PIPELINE.replace("(unet=unet,", "(model=unet, unet=unet,")),
        case(PIPELINE.replace("(unet=unet,", "(helper=DDPMScheduler(), unet=unet,")),
    ),
    good=(case(PIPELINE), case(PIPELINE.replace("(unet=unet,", "(_hidden=None, unet=unet,"))),
)
