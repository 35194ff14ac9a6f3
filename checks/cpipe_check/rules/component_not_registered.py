"""A required component is not registered.

`from_pretrained` asks for every `__init__` parameter without a default, and diffusers expects all of them among the
registered names. One that is not there is not saved; `pipe.components`, and the offloading functions that use it, fail.

Add it to `self.register_modules(...)`. For a plain value (a number, a flag) give the parameter a default and use
`self.register_to_config(...)`.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile, syntax
from cpipe_check.pipeline_file.facts import Parameter
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case


def check(file: PipelineFile) -> Iterator[Problem]:
    init, facts = file.init, file.init_facts
    if init is None or facts is None or not init.plain or facts.hides_more or not facts.modules:
        return
    if file.source.count("register_modules(") != len(facts.modules) or "register_to_config(" in _outside(file):
        return
    for parameter in facts.function.parameters:
        if parameter.required and parameter.name not in facts.registered:
            yield _problem(parameter, file.components_error())


def _outside(file: PipelineFile) -> str:
    """The file without the text of `__init__`: a call there may register more."""
    assert file.init_facts is not None
    return file.source.replace(syntax.code(file.init_facts.function.node.body), "")


def _problem(parameter: Parameter, consequence: str) -> Problem:
    return Problem(
        parameter.node,
        f"the required component `{parameter.name}` is not registered",
        label="not among the names given to `register_modules`",
        consequence=consequence,
        advice=f"add `{parameter.name}={parameter.name}` to `self.register_modules(...)`",
    )


RULE = Rule(
    code="CP204",
    name="component-not-registered",
    docs=__doc__,
    check=check,
    breaks="components",
    bad=(
        case(PIPELINE.replace("(unet=unet, scheduler=scheduler)", "(unet=unet)")),
        case(PIPELINE.replace("(unet=unet, scheduler=scheduler)", "(unet=unet)\n        self.scheduler = scheduler")),
    ),
    good=(
        case(PIPELINE),
        case(PIPELINE.replace("scheduler):", "scheduler, steps=4):")),
        case(PIPELINE.replace("(unet=unet, scheduler=scheduler)", "(**{'unet': unet, 'scheduler': scheduler})")),
    ),
)
