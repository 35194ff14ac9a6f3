"""An assignment to a property of the base class that cannot be set.

`device`, `dtype`, `components` and others are properties of `DiffusionPipeline`; assigning to them raises an
`AttributeError`.

Use another name, or leave the assignment out: the property already tells what the components say.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Class, Imported
from cpipe_check.pipeline_file.lineage import ancestors
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case


def check(file: PipelineFile) -> Iterator[Problem]:
    facts, cls = file.init_facts, file.pipeline_class
    if facts is None or cls is None or file.namespace is None or file.target is None:
        return
    line = list(ancestors(cls, file.namespace))
    local = [item for item in line if isinstance(item, Class)]
    given = {name for c in local for name in (*c.methods, *c.attributes)}
    if "__setattr__" in given or any(not isinstance(item, (Class, Imported)) for item in line):
        return
    read_only = _read_only(file, [item for item in line if isinstance(item, Imported)]) - given
    for step in facts.steps:
        if step.kind == "write" and step.name in read_only:
            yield Problem(
                step.node,
                f"`{step.name}` is a property of the base class that cannot be set",
                consequence="AttributeError: ",
                advice=f"leave it out, or use another name than `{step.name}`",
            )


def _read_only(file: PipelineFile, bases: list[Imported]) -> set[str]:
    """What no base can have set: a property without a setter in all bases that have the name."""
    assert file.target is not None
    version, index = file.target.diffusers.version, file.target.index
    found: set[str] = set()
    for base in bases:
        if base.root == "diffusers" and base.name:
            found |= index.readonly_properties(base.module, base.name, version)
    return found


RULE = Rule(
    code="CP309",
    name="read-only-property",
    docs=__doc__,
    check=check,
    breaks="init",
    versioned=True,
    bad=(
        case(PIPELINE + "        self.device = unet.device\n"),
        case(PIPELINE + "        self.components = {}\n"),
    ),
    good=(
        case(PIPELINE + "        self.my_device = unet.device\n"),
        case(PIPELINE.replace("    def __init__", "    device = None\n\n    def __init__", 1)
             + "        self.device = unet.device\n"),
    ),
)  # fmt: skip
