"""An import that works, but whose removal is announced.

diffusers keeps a shim at the old place of what it moved, and says in which release the shim will go. The file loads
until then, and its users see a warning.

Import from the new place.
"""

from collections.abc import Iterator

from cpipe_check.finding import Severity
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case


def check(file: PipelineFile) -> Iterator[Problem]:
    target = file.target
    for item in file.namespace.imports if file.namespace else ():
        module, name = item.imported.module, item.imported.name
        if target is None or item.imported.root != "diffusers" or name == "*" or "never" in item.guards:
            continue
        version = target.diffusers.version
        if not target.index.exists(module, name, version):
            continue
        dropped = target.index.deprecation(module, None, version)
        if dropped is None and name is not None:
            dropped = target.index.deprecation(module, name, version)
        if dropped is not None:
            home = target.index.new_home(module, name, version)
            yield Problem(
                item.node,
                f"`{module}{'.' + name if name else ''}` is deprecated: diffusers announces its removal for {dropped}",
                label="works until then, with a warning",
                advice=f"import it from `{home}`" if home and home != module else "",
            )


RULE = Rule(
    code="CP305",
    name="deprecated-import",
    docs=__doc__,
    check=check,
    level=Severity.INFO,
    versioned=True,
    bad=(case("from diffusers.models.attention_processor import FluxAttnProcessor2_0\n" + PIPELINE),),
    good=(case("from diffusers.models.attention_processor import AttnProcessor2_0\n" + PIPELINE),),
)
