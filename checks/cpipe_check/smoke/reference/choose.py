"""Which class each component of a reference is of, and why: from the pipeline's own text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cpipe_check.smoke.job import Argument
from cpipe_check.smoke.reference import families
from cpipe_check.smoke.reference.families import Family
from cpipe_check.smoke.reference.find import blueprint_name, find

# What an annotation says that any class of a kind satisfies.
_GENERIC = re.compile(
    r"^(ModelMixin|Module|PreTrainedModel|PreTrainedTokenizer(Base|Fast)?|AutoTokenizer|AutoModel\w*|AutoProcessor|"
    r"SchedulerMixin|KarrasDiffusionSchedulers|ProcessorMixin|BaseImageProcessor|TokenizersBackend|AutoencoderMixin|"
    r"Any|object|AutoImageProcessor|FeatureExtractionMixin|SequenceFeatureExtractor|PythonBackend)$"
)
_PLAIN = re.compile(r"^\W*(Optional\[)?\s*(int|float|str|bool|bytes|dict|list|tuple|Dict|List|Tuple)\b")
_SEVERAL = re.compile(r"Multi(ControlNet|Adapter)|MultiControlNet")


class NoReference(Exception):
    """No reference can be made for a pipeline. The message names the component."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The class of one component.

    `path` is the class's dotted path, `.Name` for one that the file defines. `reason` says what told. `changes` go over
    its configuration.
    """

    name: str
    path: str
    reason: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def own(self) -> bool:
        """Whether the file itself defines the class."""
        return self.path.startswith(".")

    @property
    def class_name(self) -> str:
        """The class's name as blueprints have it."""
        return blueprint_name(self.path.rpartition(".")[2])


@dataclass(frozen=True, slots=True)
class Chosen:
    """The components of one reference, and what to call it."""

    choices: tuple[Choice, ...]
    title: str

    @property
    def classes(self) -> dict[str, str]:
        """The class's name of each component."""
        return {choice.name: choice.class_name for choice in self.choices}


def choose(
    arguments: Sequence[Argument],
    *,
    defines: Sequence[str] = (),
    asked: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
    shown: Mapping[str, str] | None = None,
    also: Sequence[str] = (),
    family: str = "",
    call: Sequence[str] = (),
) -> Chosen:
    """Choose a class for every component that a pipeline needs.

    `asked` are classes with changes to their configuration that somebody named for a parameter; they go first. `shown`
    are the names of those in the author's example. `also` are optional components that shall be there; `family` is the
    name of a family to prefer. `defines` are the classes that the file defines, `call` the names of the call's
    parameters.

    Raises:
        NoReference: when nothing tells the class of a component.
    """
    asked, shown = asked or {}, shown or {}
    chosen: dict[str, Choice] = {}
    for argument in arguments:
        if argument.name in asked:
            path, changes = asked[argument.name]
            chosen[argument.name] = Choice(argument.name, path, "asked for", changes)
        elif (told := _from_example(argument, shown.get(argument.name, ""))) is not None:
            chosen[argument.name] = told
        elif argument.name == "scheduler" and (special := families.scheduler_for(call)):
            chosen[argument.name] = Choice(argument.name, special, "what the call takes")
        elif (told := _from_text(argument)) is not None:
            chosen[argument.name] = told
    known = {name: choice.class_name for name, choice in chosen.items()}
    nearest = _family(family, [a.name for a in arguments if a.kind in ("positional", "keyword")], known)
    more = {*also, *asked, *(name for name in shown if name in chosen)}
    wanted = []
    for argument in arguments:
        if argument.kind not in ("positional", "keyword"):
            continue
        if not (argument.required or argument.name in more or _comes_along(argument, nearest)):
            continue
        wanted.append(
            _as_in(argument, nearest, known)
            or chosen.get(argument.name)
            or _from_surroundings(argument, nearest, known, defines)
        )
    classes = {choice.name: choice.class_name for choice in wanted}
    return Chosen(tuple(wanted), families.title(nearest, classes))


def _family(name: str, parameters: Sequence[str], known: Mapping[str, str]) -> Family:
    named = [family for family in families.FAMILIES if family.name == name]
    return named[0] if named else families.nearest(parameters, known)


def _comes_along(argument: Argument, family: Family) -> bool:
    """Whether the family's repositories have this optional component; one of any class is of none that we know."""
    if re.match(r"(typing\.)?(Optional\[)?(typing\.)?Any\b", argument.annotation or ""):
        return False
    return argument.name in family.components or (argument.default or "").endswith(("EncoderModel", "Tokenizer"))


def accepts(argument: Argument, class_name: str) -> bool:
    """Return whether a parameter takes a component of a class. Any scheduler stands for any other."""
    names = [path.rpartition(".")[2] for path in argument.classes]
    if not names:
        return not is_plain(argument)
    if any(_GENERIC.match(name) or blueprint_name(name) == blueprint_name(class_name) for name in names):
        return True
    return class_name.endswith("Scheduler") and any("Scheduler" in name for name in names)


def is_plain(argument: Argument) -> bool:
    """Return whether a parameter takes a plain value, no component."""
    return not argument.classes and bool(_PLAIN.match(argument.annotation or ""))


def _from_example(argument: Argument, class_name: str) -> Choice | None:
    """The class that the author's example passes, where the annotation leaves a choice."""
    if not class_name or _GENERIC.match(class_name) or not isinstance(find(class_name), type):
        return None
    one = len(argument.classes) == 1 and not _is_generic(argument) and "Scheduler" not in argument.classes[0]
    return None if one else Choice(argument.name, class_name, "its author's example")


def _from_text(argument: Argument) -> Choice | None:
    """The first class that a parameter's annotation or default names and that is to be had."""
    paths = [path for path in argument.classes if not _SEVERAL.search(path)]
    for path in paths:
        name = path.rpartition(".")[2]
        if path.startswith("."):
            return Choice(argument.name, path, "its type hint, a class of the file")
        if not _GENERIC.match(name) and isinstance(find(path), type):
            return Choice(argument.name, path, "its type hint")
    return None


def _from_surroundings(argument: Argument, family: Family, known: Mapping[str, str], defines: Sequence[str]) -> Choice:
    """Where the annotation names no class: what components of that name are in such a repository."""
    name = argument.name
    if is_plain(argument) or (argument.classes and not _is_generic(argument)):
        raise _none_for(argument)
    own = [cls for cls in defines if cls.endswith("Scheduler")]
    if own and not argument.classes and "scheduler" in name:
        return Choice(name, f".{own[0]}", "a scheduler of the file")
    if "tokenizer" in name:
        encoder = known.get(name.replace("tokenizer", "text_encoder"), "") or family.components.get(
            name.replace("tokenizer", "text_encoder"), ""
        )
        if found := families.tokenizer_for(encoder):
            return Choice(name, found, f"the tokenizer of {encoder}")
    if any(path.endswith("KarrasDiffusionSchedulers") for path in argument.classes) and family.flows:
        return Choice(name, "EulerDiscreteScheduler", "one of its type hint")
    if name in family.components:
        return Choice(name, family.components[name], f"its name, as in {family.name}")
    if "scheduler" in name and "scheduler" in family.components:
        return Choice(name, family.components["scheduler"], f"a scheduler, as in {family.name}")
    raise _none_for(argument)


def _as_in(argument: Argument, family: Family, known: Mapping[str, str]) -> Choice | None:
    """Of several classes that an annotation names the one that the family has."""
    name = family.components.get(argument.name, "")
    named = {path.rpartition(".")[2]: path for path in argument.classes}
    if len(named) < 2 or name not in named or family.denoiser not in known.values() or argument.name not in known:
        return None
    return Choice(argument.name, named[name], f"one of its type hint's, as in {family.name}")


def _is_generic(argument: Argument) -> bool:
    return any(_GENERIC.match(path.rpartition(".")[2]) for path in argument.classes)


def _none_for(argument: Argument) -> NoReference:
    named = f" ({' '.join(argument.annotation.split())})" if argument.annotation else ""
    advice = "a type hint, or a recipe's [components], can name its class"
    return NoReference(f"no reference for component `{argument.name}`{named}; {advice}")
