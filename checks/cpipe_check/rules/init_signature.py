"""`from_pretrained` cannot fill in the parameters of `__init__`.

`from_pretrained` takes every parameter of `__init__` without a default for a component, and passes them by keyword.
`*args` and `**kwargs` have no default, so it asks for components of those names. A pipeline class without any
`__init__` has the one of `object`, which takes `*args, **kwargs`, and a positional-only parameter cannot be passed at
all.

Name each component: `def __init__(self, unet, scheduler)`.
"""

from collections.abc import Iterator

import libcst as cst

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case

_ADVICE = "name each component: `def __init__(self, unet, scheduler)`"


def check(file: PipelineFile) -> Iterator[Problem]:
    cls, init = file.pipeline_class, file.init
    if cls is None or init is None or file.namespace is None:
        return
    if init.function is None:
        if init.plain and not cls.decorators and not cls.keywords and "__init__" not in cls.attributes:
            yield Problem(
                cls.node.name,
                f"`{cls.name}` has no `__init__`",
                label="`from_pretrained` asks for components named `args` and `kwargs`",
                consequence="expected ['args', 'kwargs'], but only",
                advice=_ADVICE,
            )
        return
    if init.function.decorators:
        return
    for parameter in init.function.parameters:
        if parameter.kind in ("*", "**"):
            yield Problem(
                parameter.node,
                f"`from_pretrained` cannot pass `{parameter.kind}{parameter.name}`",
                label=f"it asks for a component named `{parameter.name}`",
                consequence="expected [",
                advice=_ADVICE,
            )
            return
    node: cst.Parameters = init.function.node.params
    if len(node.posonly_params) > 1:
        yield Problem(
            node.posonly_params[1].name,
            "`from_pretrained` cannot pass a positional-only parameter",
            consequence="got some positional-only arguments passed as keyword arguments",
            advice=_ADVICE,
        )


RULE = Rule(
    code="CP207",
    name="init-signature",
    docs=__doc__,
    check=check,
    breaks="init",
    bad=(
        case("class MyPipeline(DiffusionPipeline):\n    def __call__(self):\n        return None\n"),
        case(PIPELINE.replace("scheduler):", "scheduler, **kwargs):")),
        case(PIPELINE.replace("scheduler):", "scheduler, *extra):")),
        case(PIPELINE.replace("scheduler):", "scheduler, /):")),
    ),
    good=(
        case(PIPELINE),
        case(PIPELINE + "\n\nMyPipeline.__init__.__kwdefaults__ = None\n"),
        case(PIPELINE.replace("scheduler):", "*, scheduler):")),
    ),
)
