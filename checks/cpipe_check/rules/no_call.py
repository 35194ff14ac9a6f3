"""The pipeline class has no `__call__`.

Users run a pipeline by calling it: `pipe(prompt)`. Without `__call__` that raises a `TypeError`; all they can do is
read the source for another method.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Truth
from cpipe_check.pipeline_file.lineage import method_of
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case

_CALL = """
    @torch.no_grad()
    def __call__(self):
        return self.unet
"""


def check(file: PipelineFile) -> Iterator[Problem]:
    cls = file.pipeline_class
    if cls is None or file.namespace is None or method_of(cls, file.namespace, "__call__")[0] is not Truth.NO:
        return
    yield Problem(
        cls.node.name,
        f"`{cls.name}` has no `__call__`",
        label="users cannot call this pipeline",
        advice="define `__call__`, with `@torch.no_grad()`, that does the forward pass",
    )


RULE = Rule(
    code="CP401",
    name="no-call",
    docs=__doc__,
    check=check,
    bad=(case(PIPELINE),),
    good=(
        case(PIPELINE + _CALL),
        case(PIPELINE + "\n    def run(self):\n        return None\n\n    __call__ = run\n"),
    ),
)
