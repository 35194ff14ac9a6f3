"""Which classes are pipeline classes, and what their ancestors bring along, as far as the text tells.

What a library class is, is read off its name. Every class that diffusers exports under a name ending in `Pipeline` is
a `DiffusionPipeline`, but for the modular and Flax ones (all 290 of diffusers 0.42.1; tests/test_lineage.py counts
again).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from cpipe_check.pipeline_file.definitions import function_of
from cpipe_check.pipeline_file.facts import (
    Class,
    Function,
    Imported,
    LocalClass,
    Namespace,
    Special,
    Truth,
    Value,
    Values,
)

# Roots of packages that define no pipeline class.
_OTHER_ROOTS = frozenset(sys.stdlib_module_names) | {
    "torch", "torchvision", "torchaudio", "numpy", "scipy", "PIL", "cv2", "transformers", "accelerate", "peft",
    "einops", "safetensors", "huggingface_hub", "packaging", "tqdm", "requests", "matplotlib", "skimage", "sklearn",
    "xformers", "k_diffusion", "kornia", "pandas", "imageio", "tokenizers", "flax", "jax", "onnxruntime", "tensorrt",
}  # fmt: skip
# diffusers classes of these names bring no `__init__` and register nothing.
_PLAIN_MIXINS = ("LoaderMixin", "FromSingleFileMixin", "FromCkptMixin", "ConfigMixin", "StableDiffusionMixin")
_OTHER_SUFFIXES = ("Mixin", "Output", "Model", "Scheduler", "Config", "Processor")


@dataclass(frozen=True, slots=True)
class Init:
    """The `__init__` that a class runs: its own or a local ancestor's, or `function` None when no class here has one.

    `plain` is True when every other ancestor is `DiffusionPipeline`, a mixin without `__init__` or `object`, so that
    nothing but this file decides what is registered.
    """

    owner: Class
    function: Function | None
    plain: bool


def is_pipeline(value: Value, namespace: Namespace, seen: frozenset[int] = frozenset()) -> Truth:
    """Return whether a value is a subclass of `DiffusionPipeline`, itself included."""
    match value:
        case LocalClass(index=index):
            if index in seen:
                return Truth.UNKNOWN
            return _class_is_pipeline(namespace.classes[index], namespace, seen | {index})
        case Imported():
            return namespace.known.get(value, (_import_is_pipeline(value),))[0]
        case Special.UNKNOWN:
            return Truth.UNKNOWN
        case _:
            return Truth.NO


def _class_is_pipeline(cls: Class, namespace: Namespace, seen: frozenset[int]) -> Truth:
    if cls.keywords and cls.keywords != ("metaclass",):
        return Truth.UNKNOWN
    answers = [every(base.values, namespace, seen) for base in cls.bases]
    if Truth.YES in answers:
        return Truth.YES
    return Truth.UNKNOWN if Truth.UNKNOWN in answers or cls.keywords else Truth.NO


def every(values: Values, namespace: Namespace, seen: frozenset[int] = frozenset()) -> Truth:
    """Return YES or NO when it holds for every possible value, else UNKNOWN."""
    answers = {is_pipeline(value, namespace, seen) for value in values}
    return answers.pop() if len(answers) == 1 else Truth.UNKNOWN


def _import_is_pipeline(value: Imported) -> Truth:
    if value.name is None or value.root in _OTHER_ROOTS:
        return Truth.NO
    if value.root == "diffusers":
        if value.name.endswith("Pipeline"):
            return Truth.NO if "Modular" in value.name or value.name.startswith("Flax") else Truth.YES
        return Truth.NO if value.name.endswith(_OTHER_SUFFIXES) or not value.name[:1].isupper() else Truth.UNKNOWN
    return Truth.UNKNOWN if value.name[:1].isupper() else Truth.NO


def ancestors(cls: Class, namespace: Namespace) -> Iterator[Class | Value]:
    """Yield the local class and its ancestors, depth first: local ones as `Class`, others as what they are bound to."""
    seen: set[int] = set()
    stack: list[Class | Value] = [cls]
    while stack:
        item = stack.pop()
        if isinstance(item, LocalClass):
            if item.index in seen:
                continue
            seen.add(item.index)
            item = namespace.classes[item.index]
        yield item
        if isinstance(item, Class):
            for base in reversed(item.bases):
                stack.extend(base.values if len(base.values) == 1 else [Special.UNKNOWN])


def is_plain(value: Value) -> bool:
    """True for an ancestor that has no `__init__` of its own and registers nothing."""
    if not isinstance(value, Imported) or value.name is None:
        return value is Special.NO_CLASS
    if value.root == "diffusers":
        return value.name == "DiffusionPipeline" or value.name.endswith(_PLAIN_MIXINS)
    return value.module in ("abc", "typing", "typing_extensions") and value.name in ("ABC", "Generic", "Protocol")


def init_of(cls: Class, namespace: Namespace) -> Init:
    """Return the `__init__` that making an instance of `cls` runs."""
    line = list(ancestors(cls, namespace))
    others_plain = all(is_plain(item) for item in line if not isinstance(item, Class))
    for item in line:
        if isinstance(item, Class):
            if "__init__" in item.methods:
                return Init(item, function_of(item.methods["__init__"], method=True), others_plain)
        elif not is_plain(item):
            break
    return Init(cls, None, others_plain)


def method_of(cls: Class, namespace: Namespace, name: str) -> tuple[Truth, Function | None]:
    """Return whether `cls` has the method, and its definition when a local class gives it.

    UNKNOWN stands for an ancestor outside this file that may bring it.
    """
    line = list(ancestors(cls, namespace))
    for item in line:
        if isinstance(item, Class):
            if name in item.methods:
                return Truth.YES, function_of(item.methods[name], method=True)
            if name in item.attributes:
                return Truth.YES, None
    outside = [item for item in line if not isinstance(item, Class)]
    return (Truth.NO if all(is_plain(item) for item in outside) else Truth.UNKNOWN), None


def defined_in(cls: Class, namespace: Namespace, name: str) -> Function | Imported | None:
    """Return a method's definition in this file, or the one library class that `cls` has it from; None for neither."""
    for item in ancestors(cls, namespace):
        if isinstance(item, Class):
            if name in item.methods:
                return function_of(item.methods[name], method=True)
        elif isinstance(item, Imported) and not is_plain(item):
            return item
    return None
