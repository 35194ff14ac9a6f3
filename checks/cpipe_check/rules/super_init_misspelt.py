"""`super().__init__()` is misspelt.

`super()._init_()` and `super().__int__()` name methods that no parent has; `super.__init__()`, without the first pair
of brackets, calls the initialiser of `super` itself. Both fail as soon as the pipeline is made.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Class
from cpipe_check.pipeline_file.lineage import ancestors
from cpipe_check.rules.base import PIPELINE, Change, Problem, Rule, case

_SLIPS = frozenset(
    {"_init_", "__init", "init__", "_init__", "__init_", "__int__", "__intit__", "__inti__", "__ini__", "__nit__",
     "__init___", "___init__", "___init___", "__Init__", "__INIT__", "__inint__", "__initt__", "__iinit__"}
)  # fmt: skip
_CALL = "super().__init__()"


def check(file: PipelineFile) -> Iterator[Problem]:
    facts, cls = file.init_facts, file.pipeline_class
    if facts is None or cls is None or file.namespace is None:
        return
    known = {name for item in ancestors(cls, file.namespace) if isinstance(item, Class) for name in item.methods}
    certain = {step.node for step in facts.steps if step.kind == "super"}
    for call in facts.super_calls:
        if call.node not in certain:
            continue
        if call.bare and call.name == "__init__" and call.arguments == 0:
            yield Problem(
                call.node,
                "`super` is not called here",
                label="brackets are missing after `super`",
                consequence="TypeError: descriptor '__init__' of 'super' object needs an argument",
                advice=f"write `{_CALL}`",
                changes=(Change(call.node, (_CALL,)),),
            )
        elif not call.bare and call.name in _SLIPS and call.name not in known:
            yield Problem(
                call.name_node,
                f"`super().{call.name}` does not exist",
                label="a slip for `__init__`",
                consequence=f"AttributeError: 'super' object has no attribute '{call.name}'",
                advice=f"write `{_CALL}`",
                changes=(Change(call.name_node, ("__init__",)),),
            )


RULE = Rule(
    code="CP202",
    name="super-init-misspelt",
    docs=__doc__,
    check=check,
    breaks="init",
    bad=(
        case(PIPELINE.replace("__init__()", "_init_()")),
        case(PIPELINE.replace("__init__()", "__int__()")),
        case(PIPELINE.replace("super()", "super")),
    ),
    good=(case(PIPELINE),),
)
