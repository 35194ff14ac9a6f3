"""What a rule is made of. One rule is one file here: a docstring, a `check` function and a `RULE`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import libcst as cst

from cpipe_check.finding import Breaks, Severity, Span
from cpipe_check.pipeline_file import PipelineFile

HEADER = """\
import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


"""
# A pipeline class with nothing wrong and nothing to call, for cases to take apart.
PIPELINE = """
class MyPipeline(DiffusionPipeline):
    def __init__(self, unet, scheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
"""


_INDEX: Mapping[str, object] = {
    "_class_name": ["my_pipeline", "MyPipeline"],
    "_diffusers_version": "0.42.1",
    "scheduler": ["diffusers", "DDPMScheduler"],
    "unet": ["diffusers", "UNet2DModel"],
}
_REFERENCE = ("scheduler/scheduler_config.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors")


@dataclass(frozen=True, slots=True)
class Case:
    """A pipeline file written for a rule: what stands in `my_pipeline.py`, and the files beside it.

    `repository` are the files of the Hub repository that loads it, where the case is one; an empty one is as the tiny
    reference has it.

    The real diffusers refuses a bad case of an `error` rule, and takes a good one through every stage.
    """

    source: str | bytes
    siblings: Mapping[str, str] = field(default_factory=dict)
    repository: Mapping[str, str] | None = None

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.source.encode() if isinstance(self.source, str) else self.source


def case(body: str, siblings: Mapping[str, str] | None = None) -> Case:
    """Return a case that starts with the imports that most pipeline files start with."""
    return Case(HEADER + body.lstrip("\n"), siblings or {})


def repository(
    body: str = PIPELINE, *, without: tuple[str, ...] = (), files: Mapping[str, str] | None = None, **index: object
) -> Case:
    """Return a case of a repository with nothing wrong, but for what is changed in its index, added and left out.

    A value of `index` that is None is left out of `model_index.json`.
    """
    whole = {key: value for key, value in {**_INDEX, **index}.items() if value is not None}
    laid_out = {"model_index.json": json.dumps(whole), **dict.fromkeys(_REFERENCE, ""), **(files or {})}
    return Case(case(body).source, {}, {name: text for name, text in laid_out.items() if name not in without})


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What to write in the place of a node of the file's module, or with `above` over the statement that it is.

    Each of `lines` but the first begins a line of its own, as far in as the first; one of them may itself span lines,
    and is then written as it is. A block (`try:`) is left out where its statement shares a line with another.
    """

    at: cst.CSTNode
    lines: tuple[str, ...]
    above: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One thing that a rule found. `at` is a node of the file's module, or a span.

    `label` stands under the marked text; `consequence` is the error that a user of the file gets, `advice` the edit to
    make. `changes`, when given, are that edit, and mend it: for certain, and all of them together. All of it may quote
    the file as it is: `static.findings` cleans it.
    """

    at: cst.CSTNode | Span
    message: str
    label: str = ""
    consequence: str = ""
    advice: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A rule: its code and name, its documentation, its check and the cases that show what it means.

    `breaks` is a promise: the stage of the real diffusers that fails on every bad case, with the finding's
    `consequence` in its error. "load" (`from_pretrained` importing the file and finding its class), "init" (it making
    the pipeline), "components" (`pipe.components`), "reload" (`from_pretrained` on what `save_pretrained` wrote),
    "repository" (`from_pretrained` on the Hub repository that the file stands in), or "" for a rule that promises
    nothing. `versioned` is True when it goes by the release of diffusers or transformers.
    `level` is how bad it is when it breaks nothing.
    """

    code: str
    name: str
    docs: str | None
    check: Callable[[PipelineFile], Iterable[Problem]]
    bad: tuple[Case, ...]
    good: tuple[Case, ...]
    breaks: Breaks = ""
    versioned: bool = False
    level: Severity = Severity.WARNING

    @property
    def severity(self) -> Severity:
        """An error is what real diffusers refuses; all else is of the rule's own level."""
        return Severity.ERROR if self.breaks else self.level

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return (self.docs or "").partition("\n")[0]
