"""An attribute is used before it is registered.

Until `register_modules` has run, the pipeline has no components and no config: `self.unet` and `self.config` raise.
So does setting any attribute a second time, since diffusers then looks into the config.

Call `self.register_modules(...)` first, right after `super().__init__()`, or use the parameter itself.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Class
from cpipe_check.pipeline_file.init_facts import InitFacts, Step
from cpipe_check.pipeline_file.lineage import ancestors
from cpipe_check.rules.base import PIPELINE, Problem, Rule, case

_SUPER = "super().__init__()\n"


def _with(line: str) -> str:
    """The pipeline with a line between `super().__init__()` and `register_modules`."""
    return PIPELINE.replace(_SUPER, f"{_SUPER}        {line}\n")


def check(file: PipelineFile) -> Iterator[Problem]:
    facts, cls = file.init_facts, file.pipeline_class
    if facts is None or cls is None or file.init is None or not file.init.plain or file.namespace is None:
        return
    local = [item for item in ancestors(cls, file.namespace) if isinstance(item, Class)]
    if any("__getattr__" in c.methods or "__setattr__" in c.methods or "__new__" in c.methods for c in local):
        return
    given = {name for c in local for name in (*c.methods, *c.attributes)}
    for step, message, missing in _early(facts, given):
        yield _problem(step, message, f"AttributeError: '{cls.name}' object has no attribute '{missing}'")


def _early(facts: InitFacts, given: set[str]) -> Iterator[tuple[Step, str, str]]:
    """Yield the first step that comes too early, what is wrong with it, and the attribute that is missed."""
    later = {name for registration in facts.modules for name, _ in registration.keywords}
    written: set[str] = set()
    for step in facts.steps:
        match step.kind:
            case "read" if step.name in later and step.name not in written | given:
                yield step, f"`self.{step.name}` is used before it is registered", step.name
                return
            case "read" if step.name == "config" and "config" not in given:
                yield step, "`self.config` is used before anything is registered", "config"
                return
            case "write" if step.name in written:
                yield step, f"`self.{step.name}` is set a second time before anything is registered", "config"
                return
            case "write":
                written.add(step.name)
            case "modules" | "config" | "call" | "end":
                return


def _problem(step: Step, message: str, consequence: str) -> Problem:
    return Problem(
        step.node,
        message,
        label="`register_modules` has not run yet",
        consequence=consequence,
        advice="call `self.register_modules(...)` first, right after `super().__init__()`",
    )


RULE = Rule(
    code="CP206",
    name="used-before-registered",
    docs=__doc__,
    check=check,
    breaks="init",
    bad=(
        case(_with("self.size = self.unet.config.sample_size")),
        case(_with("print(self.config)")),
        case(_with("self.size = 1; self.size = 2")),
    ),
    good=(
        case(PIPELINE + "        self.size = self.unet.config.sample_size\n        self.size = 2\n"),
        case(_with("self.unet = unet; self.size = self.unet.config.sample_size")),
        case(_with("self.size = self.unet.size if hasattr(self, 'unet') else 8")),
        case("class Base:\n    unet = None\n\n\n" + _with("print(self.unet)").replace("(Diff", "(Base, Diff")),
    ),
)
