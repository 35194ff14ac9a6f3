"""`model_index.json` lists a component that `__init__` does not take.

`from_pretrained` downloads its folder, then leaves it out with a warning, and `save_pretrained` does not write it.

Take it into `__init__` and `register_modules`, or take its line and folder out of the repository.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, repository


def check(file: PipelineFile) -> Iterator[Problem]:
    facts, init = file.repository, file.init_facts
    if facts is None or init is None or init.function.decorators:
        return
    parameters = init.function.parameters
    if any(p.kind == "**" for p in parameters):
        return
    for name in sorted(facts.components.keys() - {p.name for p in parameters}):
        yield Problem(
            init.function.node.name,
            f"`model_index.json` lists `{name}`, which `__init__` does not take",
            label=f"takes {', '.join(p.name for p in parameters) or 'nothing'}",
            advice=f"take `{name}` into `__init__`, or out of the repository",
        )


RULE = Rule(
    code="CP605",
    name="component-not-taken",
    docs=__doc__,
    check=check,
    bad=(repository(vae=["diffusers", "AutoencoderKL"]),),
    good=(repository(), repository(PIPELINE.replace("scheduler):", "scheduler, steps=4):"), steps=5)),
)
