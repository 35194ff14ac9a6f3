"""The arguments of `super().__init__(...)` do not fit the base class.

The `__init__` of the library's pipelines gains and loses parameters between releases, and `DiffusionPipeline` itself
has none: it takes no arguments. The call raises a `TypeError` as soon as the pipeline is made.

Pass what the base takes, by keyword. A direct subclass of `DiffusionPipeline` calls `super().__init__()` and then
`self.register_modules(...)`.
"""

from collections.abc import Iterator

import libcst as cst

from cpipe_check.api_index import Signature
from cpipe_check.api_index.target import Target
from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Class, Imported
from cpipe_check.pipeline_file.lineage import is_plain
from cpipe_check.rules.base import PIPELINE, Case, Problem, Rule, case

_DDPM = """from diffusers import DDPMPipeline


class MyPipeline(DDPMPipeline):
    def __init__(self, unet, scheduler):
        super().__init__(CALL)
"""


def check(file: PipelineFile) -> Iterator[Problem]:
    facts, cls, target = file.init_facts, file.pipeline_class, file.target
    if facts is None or cls is None or target is None or file.init is None or file.init.owner is not cls:
        return
    certain = {step.node for step in facts.steps if step.kind == "super"}
    for call in facts.super_calls:
        if call.name != "__init__" or call.bare or call.node not in certain:
            continue
        wrong = _plain_base(file, call.node) if file.init.plain else _library_base(cls, target, call.node)
        if wrong is not None:
            message, consequence = wrong
            yield Problem(call.node, message, consequence=consequence, advice="pass what the base class takes")
        return


def _plain_base(file: PipelineFile, call: cst.Call) -> tuple[str, str] | None:
    """`DiffusionPipeline` has the `__init__` of `object`, if no local ancestor brings one."""
    assert file.namespace is not None
    others = [c for c in file.namespace.classes if c is not file.pipeline_class and "__init__" in c.methods]
    if others or not call.args or any(arg.star for arg in call.args):
        return None
    return "`DiffusionPipeline.__init__` takes no arguments", "TypeError: object.__init__() takes exactly one argument"


def _library_base(cls: Class, target: Target, call: cst.Call) -> tuple[str, str] | None:
    """The one base of the class, when it is the library's and its signature is known."""
    values = [value for base in cls.bases for value in base.values]
    if any(arg.star for arg in call.args):
        return None
    library = [v for v in values if isinstance(v, Imported) and v.root == "diffusers" and not is_plain(v)]
    if len(library) != 1 or any(v is not library[0] and not is_plain(v) for v in values):
        return None
    found = target.index.init_signature(library[0].module, library[0].name or "", target.diffusers.version)
    if found is None:
        return None
    owner, signature = found
    problem = _mismatch(signature, call)
    release = target.diffusers.version
    return None if problem is None else (f"`{owner.name}.__init__` of diffusers {release}: {problem[0]}", problem[1])


def _mismatch(signature: Signature, call: cst.Call) -> tuple[str, str] | None:
    named = [arg.keyword.value for arg in call.args if arg.keyword is not None]
    positional = len(call.args) - len(named)
    taken = [p.name for p in signature.positional][:positional]
    known = {p.name for p in signature.parameters}
    for name in named:
        if name not in known and not signature.has_kwargs:
            return f"there is no parameter `{name}`", f"got an unexpected keyword argument '{name}'"
        if name in taken:
            return f"`{name}` is given twice", f"got multiple values for argument '{name}'"
    if positional > len(signature.positional) and not signature.has_args:
        return f"at most {len(signature.positional)} positional arguments", "positional argument"
    missing = [name for name in signature.required if name not in (*taken, *named)]
    if missing:
        return f"`{missing[0]}` is missing", f"missing {len(missing)} required"
    return None


RULE = Rule(
    code="CP308",
    name="super-arguments",
    docs=__doc__,
    check=check,
    breaks="init",
    versioned=True,
    bad=(
        case(PIPELINE.replace("__init__()", "__init__(unet, scheduler)")),
        Case(_DDPM.replace("CALL", "unet=unet, scheduler=scheduler, vae=None")),
        Case(_DDPM.replace("CALL", "unet=unet")),
        Case(_DDPM.replace("CALL", "unet, scheduler, None")),
        Case(_DDPM.replace("CALL", "unet, scheduler, unet=unet")),
    ),
    good=(
        case(PIPELINE),
        Case(_DDPM.replace("CALL", "unet=unet, scheduler=scheduler")),
        Case(_DDPM.replace("CALL", "unet, scheduler")),
        Case(_DDPM.replace("CALL", "**{'unet': unet, 'scheduler': scheduler}")),
    ),
)
