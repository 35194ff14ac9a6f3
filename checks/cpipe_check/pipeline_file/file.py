"""The facts about one pipeline file, put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import libcst as cst

from cpipe_check.api_index.target import LIBRARIES, Target, missing_backends
from cpipe_check.example import Example
from cpipe_check.finding import Span
from cpipe_check.pipeline_file import lineage
from cpipe_check.pipeline_file.example import example_of
from cpipe_check.pipeline_file.facts import Class, Imported, LocalClass, Namespace, Special, Truth, Value
from cpipe_check.pipeline_file.init_facts import InitFacts, init_facts
from cpipe_check.pipeline_file.load_effects import Effects, load_effects
from cpipe_check.pipeline_file.namespace import namespace_of
from cpipe_check.pipeline_file.parsing import Refusal, parse
from cpipe_check.pipeline_file.positions import line_starts, span_of
from cpipe_check.pipeline_file.recipe import RecipeFacts, recipe_facts
from cpipe_check.pipeline_file.repository import Repository

# `get_relative_imports` in diffusers 0.42's utils/dynamic_modules_utils.py: over the text, docstrings included. There
# each pattern starts with `^\s*`, which finds the same and takes quadratic time over empty lines.
LOADER_RELATIVE = (
    re.compile(r"^[^\S\n]*import\s+\.(\S+)\s*$", re.MULTILINE),
    re.compile(r"^[^\S\n]*from\s+\.(\S+)\s+import", re.MULTILINE),
)
ReadSibling = Callable[[str], bytes | None]
ReadReadmes = Callable[[], Sequence[tuple[str, bytes]]]


@dataclass(frozen=True)
class PipelineFile:
    """The facts about one pipeline file.

    `name` is the file's name within its submission; `module` and `namespace` are None when Python refuses the file (see
    `refusal`) or when our parser gave up on it. `read_sibling` gives the bytes of `NAME.py` in the same directory.
    `target` is what releases the file is meant for, None when nobody asked. `siblings` are the files beside it that it
    imports, by their module's name. `given_recipe` is the table of a valid recipe that stands outside the file.
    `read_readmes` gives the names and bytes of the READMEs in the directory. `repository` is the Hub repository that
    loads this file, None when none is known to.
    """

    name: str
    source: str
    refusal: Refusal | None
    module: cst.Module | None
    namespace: Namespace | None
    read_sibling: ReadSibling
    target: Target | None = None
    siblings: Mapping[str, PipelineFile] = field(default_factory=dict)
    given_recipe: Mapping[str, Any] = field(default_factory=dict)
    read_readmes: ReadReadmes = tuple
    repository: Repository | None = None

    @cached_property
    def component_modules(self) -> dict[str, PipelineFile]:
        """The custom modules that the repository has for components, by the component's name."""
        found: dict[str, PipelineFile] = {}
        for name, (module, _) in self.repository.components.items() if self.repository else ():
            if self.repository and self.repository.has(f"{name}/{module}.py") is Truth.YES:
                content = self.read_sibling(f"{name}.{module}")
                if content is not None:
                    found[name] = read(f"{module}.py", content)
        return found

    @cached_property
    def candidates(self) -> dict[str, tuple[Truth, Value]]:
        """The names that the loader may take for pipeline classes: how sure that is, and what the name is bound to."""
        found: dict[str, tuple[Truth, Value]] = {}
        for name, values in (self.namespace.names if self.namespace else {}).items():
            if name == "DiffusionPipeline":
                continue
            answers = {value: self._counts(value) for value in values}
            likely = [value for value, answer in answers.items() if answer is not Truth.NO]
            if likely:
                sure = all(answer is Truth.YES for answer in answers.values())
                found[name] = (Truth.YES if sure else Truth.UNKNOWN, likely[0])
        return found

    @cached_property
    def open_ended(self) -> bool:
        """True when the text does not show every name that the module may bind."""
        if self.namespace is None or self.namespace.dynamic:
            return True
        return any(
            star.level or lineage.is_pipeline(Imported(star.module, "Any"), self.namespace) is not Truth.NO
            for star in self.namespace.star_imports
            if star.root != "diffusers"
        )

    @cached_property
    def pipeline_class(self) -> Class | None:
        """The class of this file that the loader picks, None when that is none, several, or another file's."""
        sure = [value for answer, value in self.candidates.values() if answer is Truth.YES]
        likely = sure if len(sure) == 1 else [value for _, value in self.candidates.values()]
        if len(likely) != 1 or self.namespace is None or not isinstance(likely[0], LocalClass):
            return None
        return self.namespace.classes[likely[0].index]

    @cached_property
    def init(self) -> lineage.Init | None:
        """The `__init__` of the pipeline class."""
        if self.pipeline_class is None or self.namespace is None:
            return None
        return lineage.init_of(self.pipeline_class, self.namespace)

    @cached_property
    def init_facts(self) -> InitFacts | None:
        """What the pipeline class's `__init__` does with its components."""
        if self.init is None or self.init.function is None:
            return None
        return init_facts(self.init.function)

    @cached_property
    def recipe(self) -> RecipeFacts:
        """The author's recipe for the smoke-load, or what is wrong with it."""
        return recipe_facts(self.source, self.given_recipe, self.pipeline_class, self.namespace)

    def components_error(self) -> str:
        """What `pipe.components` raises for this file, as far as the text tells."""
        classes = self.namespace.classes if self.namespace else ()
        if self.init_facts is None or any("_optional_components" in cls.attributes for cls in classes):
            return "is incorrectly implemented"
        return self.init_facts.components_error()

    @cached_property
    def defines_pipeline(self) -> bool:
        """True when a class statement in this file makes, or may make, a pipeline class."""
        if self.namespace is None:
            return "Pipeline" in self.source
        return any(isinstance(value, LocalClass) or value is Special.UNKNOWN for _, value in self.candidates.values())

    def loader_relative_imports(self) -> list[tuple[str, Span]]:
        """What the loader takes for relative imports, without their first dot, and where it reads them."""
        matches = [match for pattern in LOADER_RELATIVE for match in pattern.finditer(self.source)]
        lines = line_starts(self.source) if matches else []
        found: dict[str, Span] = {}
        for match in matches:
            found.setdefault(match[1], span_of(match.start(1) - 1, match.end(1), lines))
        return sorted(found.items(), key=lambda item: item[1])

    def effects(self, library: str) -> Effects:
        """What importing the file comes to on each release of "diffusers" or "transformers".

        Raises:
            ValueError: when the file has no module or no target.
        """
        return self._effects[library]

    @cached_property
    def _effects(self) -> dict[str, Effects]:
        if self.module is None or self.target is None:
            raise ValueError("no module or no target to judge by")
        return {name: load_effects(self.module, self.target, name, self._sibling_module) for name in LIBRARIES}

    @cached_property
    def example(self) -> Example | None:
        """The example that its author gives of its use, looked for when it is asked for."""
        return example_of(self)

    def _sibling_module(self, name: str) -> cst.Module | None:
        sibling = self.siblings.get(name)
        return None if sibling is None else sibling.module

    def _counts(self, value: Value) -> Truth:
        """Whether `find_pipeline_class` counts a class bound to a name: library classes do not count, siblings' do."""
        if self.namespace is None:
            return Truth.UNKNOWN
        if isinstance(value, Imported):
            if value.root == "diffusers":
                return Truth.NO
            if value in self.namespace.known:
                return self.namespace.known[value][1]
        return lineage.is_pipeline(value, self.namespace)


def read(
    name: str,
    content: bytes,
    read_sibling: ReadSibling = lambda _: None,
    target: Target | None = None,
    given_recipe: Mapping[str, Any] = MappingProxyType({}),
    read_readmes: ReadReadmes = tuple,
    repository: Repository | None = None,
) -> PipelineFile:
    """Parse the bytes of a pipeline file and return its facts. Never raises for what the file holds."""
    parsed = parse(content)
    siblings: dict[str, PipelineFile] = {}
    namespace = None if parsed.module is None else namespace_of(parsed.module, parsed.source)
    if namespace is not None:
        siblings = {m: read(f"{m}.py", c) for m in _beside(namespace) if (c := read_sibling(m)) is not None}
        namespace = replace(namespace, known=_known(namespace, siblings, target))
    return PipelineFile(
        name,
        parsed.source,
        parsed.refusal,
        parsed.module,
        namespace,
        read_sibling,
        target,
        siblings,
        given_recipe,
        read_readmes,
        repository,
    )


def _beside(namespace: Namespace) -> set[str]:
    """The modules beside the file that it imports; none matter where an import of two dots ends the loading."""
    relative = [i.imported for i in namespace.imports if i.imported.level]
    if any(imported.level > 1 for imported in relative):
        return set()
    return {imported.module for imported in relative if imported.module}


def _known(
    namespace: Namespace, siblings: Mapping[str, PipelineFile], target: Target | None
) -> dict[Imported, tuple[Truth, Truth]]:
    asked = {i.imported for i in namespace.imports} | {
        value for cls in namespace.classes for base in cls.bases for value in base.values if isinstance(value, Imported)
    }
    answers: dict[Imported, tuple[Truth, Truth]] = {}
    for imported in asked:
        if imported.name in (None, "*"):
            continue
        if imported.level > 1 or (imported.level and not imported.module):
            # Two dots never load; `from . import x` binds a module.
            answers[imported] = (Truth.UNKNOWN, Truth.NO)
        elif imported.level:
            answers[imported] = _in_sibling(siblings.get(imported.module), imported.name or "")
        elif imported.root == "diffusers" and target is not None:
            answers[imported] = (_in_library(imported, target), Truth.NO)
    return answers


def _in_library(imported: Imported, target: Target) -> Truth:
    """Whether a class of diffusers is a pipeline on the target; a placeholder for a missing backend is none."""
    version = target.diffusers.version
    if missing_backends(target, imported.module, imported.name or ""):
        return Truth.NO
    answer = target.index.is_subclass_of_pipeline(imported.module, imported.name or "", version)
    if answer is None:
        return lineage.is_pipeline(imported, Namespace({}, (), ()))
    return Truth.YES if answer else Truth.NO


def _in_sibling(sibling: PipelineFile | None, name: str) -> tuple[Truth, Truth]:
    if sibling is None or sibling.namespace is None:
        return Truth.UNKNOWN, Truth.UNKNOWN
    values = sibling.namespace.names.get(name)
    if values is None:
        return (Truth.UNKNOWN, Truth.UNKNOWN) if sibling.open_ended else (Truth.NO, Truth.NO)
    return lineage.every(values, sibling.namespace), sibling.candidates.get(name, (Truth.NO, None))[0]
