"""`__init__` does not call `super().__init__()`.

`DiffusionPipeline` has no `__init__` today, so nothing breaks at once. A pipeline that inherits from another pipeline
misses everything that its parent sets up, and every pipeline will miss what diffusers may add.

Start `__init__` with `super().__init__()`.
"""

from collections.abc import Iterator

import libcst as cst

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Imported
from cpipe_check.pipeline_file.lineage import ancestors, is_plain
from cpipe_check.rules.base import Change, Problem, Rule, case

_CALL = "super().__init__()"


def check(file: PipelineFile) -> Iterator[Problem]:
    facts = file.init_facts
    if facts is None or facts.calls_base_init or facts.super_calls:
        return
    yield Problem(
        facts.function.node.name,
        f"`__init__` does not call `{_CALL}`",
        advice=f"start `__init__` with `{_CALL}`",
        changes=_changes(file, facts.function.node),
    )


def _changes(file: PipelineFile, init: cst.FunctionDef) -> tuple[Change, ...]:
    """None but for a class that inherits from `DiffusionPipeline` alone: other parents may want arguments."""
    cls, namespace = file.pipeline_class, file.namespace
    if cls is None or namespace is None or cls.methods.get("__init__") is not init:
        return ()
    parents = [item for item in ancestors(cls, namespace) if item is not cls]
    if len(parents) != 1 or not isinstance(parents[0], Imported) or not is_plain(parents[0]):
        return ()
    body = init.body.body
    first = next((s for i, s in enumerate(body) if i or init.get_docstring() is None), None)
    return () if first is None else (Change(first, (_CALL,), above=True),)


RULE = Rule(
    code="CP201",
    name="super-init-missing",
    docs=__doc__,
    check=check,
    bad=(
        case("""
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        self.register_modules(unet=unet, scheduler=scheduler)
"""),
    ),
    good=(
        case("""
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
"""),
        case("""
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        DiffusionPipeline.__init__(self)
        self.register_modules(unet=unet, scheduler=scheduler)
"""),
    ),
)
