"""`__call__` runs with gradients.

A pipeline that is called without `torch.no_grad()` keeps every intermediate result of every step for a backward pass
that never comes: memory use grows several times, and many GPUs run out of it.

Put `@torch.no_grad()` on `__call__`. A pipeline that needs gradients for guidance switches them on where it does:
`with torch.enable_grad():`.
"""

from collections.abc import Iterator

import libcst as cst

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Function, Imported
from cpipe_check.pipeline_file.lineage import method_of
from cpipe_check.pipeline_file.syntax import code, statements
from cpipe_check.rules.base import PIPELINE, Change, Problem, Rule, case

_CALL = """
    @torch.no_grad()
    def __call__(self):
        return self.unet(torch.zeros(1, 3, 32, 32), 0)
"""
_MODES = ("no_grad", "inference_mode", "enable_grad", "set_grad_enabled", "autograd", "backward(")


def check(file: PipelineFile) -> Iterator[Problem]:
    cls = file.pipeline_class
    if cls is None or file.namespace is None:
        return
    _, call = method_of(cls, file.namespace, "__call__")
    if call is None or call.decorators:
        return
    body = code(call.node.body)
    if "self." in body and "super()" not in body and not any(mode in file.source for mode in _MODES):
        yield Problem(
            call.node.name,
            "`__call__` runs without `torch.no_grad()`",
            label="every step's intermediate results stay in memory",
            advice="put `@torch.no_grad()` on the line above",
            changes=_changes(file, call),
        )


def _changes(file: PipelineFile, call: Function) -> tuple[Change, ...]:
    """None unless `torch` is that package when the class is made."""
    cls, namespace, module = file.pipeline_class, file.namespace, file.module
    if cls is None or namespace is None or module is None or cls.methods.get("__call__") is not call.node:
        return ()
    if namespace.names.get("torch") != frozenset({Imported("torch", None)}):
        return ()
    for statement in statements(module):
        if statement is cls.node:
            break
        if isinstance(statement, cst.Import) and any(code(alias.name) == "torch" for alias in statement.names):
            return (Change(call.node, ("@torch.no_grad()",), above=True),)
    return ()


RULE = Rule(
    code="CP402",
    name="no-grad-missing",
    docs=__doc__,
    check=check,
    bad=(case(PIPELINE + _CALL.replace("    @torch.no_grad()\n", "")),),
    good=(
        case(PIPELINE + _CALL),
        case(PIPELINE + _CALL.replace("@torch.no_grad()", "@torch.inference_mode()")),
        case(PIPELINE + "\n    def __call__(self):\n        with torch.no_grad():\n            return self.unet\n"),
    ),
)
