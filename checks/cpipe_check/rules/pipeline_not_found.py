"""`model_index.json` names a pipeline that is not in the repository.

`"_class_name": ["module", "Class"]` sends `from_pretrained("OWNER/NAME")` to the class `Class` of `module.py` at the
root of the repository. A module that is not there is looked for among the community pipelines, and not found; it is
never taken from a package.

Correct the two names, or add the file.
"""

from collections.abc import Iterator

from cpipe_check.finding import FILE_START
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Truth
from cpipe_check.rules.base import PIPELINE, Problem, Rule, repository


def check(file: PipelineFile) -> Iterator[Problem]:
    facts = file.repository
    if facts is None or facts.named is None:
        return
    module, name = facts.named
    at = file.pipeline_class.node.name if file.pipeline_class else FILE_START
    if facts.has(f"{module}.py") is Truth.NO:
        yield Problem(
            at,
            f"`model_index.json` names `{module}.py`, which is not in the repository",
            label="the class is here" if file.pipeline_class and file.pipeline_class.name == name else "",
            consequence="TypeError: attribute name must be string, not 'list'",
            advice=f'write `"_class_name": ["{file.name.removesuffix(".py")}", "{_name(file, name)}"]`',
        )
    elif file.name == f"{module}.py" and file.namespace and not file.open_ended and name not in file.namespace.names:
        yield Problem(
            at,
            f"`model_index.json` names a class `{name}`, which `{module}.py` does not have",
            consequence=f"has no attribute '{name}'",
            advice=f'write `"_class_name": ["{module}", "{_name(file, name)}"]`',
        )


def _name(file: PipelineFile, other: str) -> str:
    return file.pipeline_class.name if file.pipeline_class else other


RULE = Rule(
    code="CP602",
    name="pipeline-not-found",
    docs=__doc__,
    check=check,
    breaks="repository",
    bad=(
        repository(_class_name=["pipeline_of_mine", "MyPipeline"], files={"my_pipeline.py": ""}),
        repository(_class_name=["diffusers", "DDPMPipeline"], files={"my_pipeline.py": ""}),
        repository(_class_name=["my_pipeline", "MyPipline"]),
    ),
    good=(
        repository(),
        repository(PIPELINE + "\n\nAnother = MyPipeline\ndel MyPipeline\n", _class_name=["my_pipeline", "Another"]),
    ),
)
