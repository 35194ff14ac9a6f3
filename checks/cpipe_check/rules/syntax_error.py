"""Python cannot compile the file.

The loader imports the file, so anything that Python's compiler refuses ends there: a missing bracket, `return`
outside a function, a null byte, nesting that is too deep. The Python that runs the check decides; newer syntax is an
error on an older Python.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Case, Problem, Rule, case


def check(file: PipelineFile) -> Iterator[Problem]:
    if file.refusal is not None and file.refusal.kind == "syntax":
        yield Problem(
            file.refusal.span,
            "Python cannot compile this file",
            label=file.refusal.error.partition(": ")[2],
            consequence=file.refusal.error,
        )


RULE = Rule(
    code="CP102",
    name="syntax-error",
    docs=__doc__,
    check=check,
    breaks="load",
    bad=(
        case(PIPELINE.replace("unet, scheduler):", "unet, scheduler:")),
        case(PIPELINE + "\nreturn None\n"),
        case(PIPELINE + "\nx = " + "(" * 300 + ")" * 300 + "\n"),
        Case(b"x = 1\x00\n"),
    ),
    good=(case(PIPELINE),),
)
