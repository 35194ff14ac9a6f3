"""The repository's `model_index.json` is not what the loader takes.

`from_pretrained("OWNER/NAME")` reads it first of all. It has to be a JSON object in UTF-8, with a `_class_name`. The
pipeline file itself may still load for a model of another repository, by `custom_pipeline="OWNER/NAME"`.

Let `save_pretrained` write it, then set `"_class_name": ["pipeline", "MyPipeline"]`: the name of the module that stands
at the root of the repository, and of the class in it.
"""

from collections.abc import Iterator

from cpipe_check.finding import FILE_START
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import Problem, Rule, repository

_ADVICE = 'write it by `save_pretrained`, then set `"_class_name": ["pipeline", "MyPipeline"]`'


def check(file: PipelineFile) -> Iterator[Problem]:
    facts = file.repository
    if facts is None:
        return
    at = file.pipeline_class.node.name if file.pipeline_class else FILE_START
    if facts.refusal:
        yield Problem(at, "`model_index.json` is no JSON object", consequence=facts.refusal, advice=_ADVICE)
    elif facts.index is not None and "_class_name" not in facts.index:
        yield Problem(
            at, "`model_index.json` has no `_class_name`", consequence="KeyError: '_class_name'", advice=_ADVICE
        )


RULE = Rule(
    code="CP601",
    name="model-index-invalid",
    docs=__doc__,
    check=check,
    breaks="repository",
    bad=(
        repository(files={"model_index.json": '{"_class_name": ["my_pipeline", "MyPipeline"],}'}),
        repository(files={"model_index.json": '["my_pipeline", "MyPipeline"]'}),
        repository(files={"model_index.json": '"MyPipeline"'}),
        repository(files={"model_index.json": "null"}),
        repository(_class_name=None),
    ),
    good=(repository(), repository(surprise={"a": 1})),
)
