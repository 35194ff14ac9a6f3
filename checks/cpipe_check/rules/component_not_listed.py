"""`__init__` requires a component that `model_index.json` does not list.

`from_pretrained("OWNER/NAME")` alone fails then with "expected [...], but only {...} were passed": whoever uses the
repository has to pass the component: `from_pretrained("OWNER/NAME", controlnet=controlnet)`.

If that is meant, say so in the README. Otherwise add the component's folder and line, or give the parameter a default.
"""

from collections.abc import Iterator

from cpipe_check.finding import Severity
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, repository


def check(file: PipelineFile) -> Iterator[Problem]:
    facts, init = file.repository, file.init_facts
    if facts is None or facts.index is None or facts.named is None or init is None or init.function.decorators:
        return
    for parameter in init.function.parameters:
        listed = facts.index.get(parameter.name)
        # `[null, null]` stands for a component that was None when it was saved.
        if parameter.required and (listed is None or (isinstance(listed, list) and listed[:1] == [None])):
            yield Problem(
                parameter.node,
                f"`model_index.json` does not list `{parameter.name}`",
                label="whoever uses the repository has to pass it",
                advice="say so in the README; or add the component to the repository",
            )


RULE = Rule(
    code="CP606",
    name="component-not-listed",
    docs=__doc__,
    check=check,
    level=Severity.INFO,
    bad=(repository(scheduler=None), repository(scheduler=[None, None])),
    good=(repository(), repository(PIPELINE.replace("scheduler):", "scheduler, vae=None):"))),
)
