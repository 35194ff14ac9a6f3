"""`model_index.json` lists a component whose class cannot be found.

A component is listed as `["library", "Class"]`. The library is diffusers, transformers, a module of diffusers'
pipelines, or the name of a module of your own in the component's folder: `["my_unet", "MyUNet"]` for `unet` means
`unet/my_unet.py`. No other package is imported, and no module at the root of the repository is.

Put the module into the component's folder, or correct the two names.
"""

import sys
from collections.abc import Iterator

import libcst as cst

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Truth
from cpipe_check.rules.base import PIPELINE, Problem, Rule, repository

# `LOADABLE_CLASSES` in diffusers 0.42's pipelines/pipeline_loading_utils.py.
_LIBRARIES = ("diffusers", "transformers", "onnxruntime.training")
# What diffusers imports itself: a module of theirs is found when it is loaded already.
_IMPORTED = frozenset(sys.stdlib_module_names) | {
    "diffusers", "diffusers_modules", "transformers", "torch", "numpy", "PIL", "accelerate", "safetensors", "packaging",
    "huggingface_hub", "tokenizers", "requests", "httpx", "tqdm", "regex", "filelock", "yaml", "peft", "onnxruntime",
}  # fmt: skip


def check(file: PipelineFile) -> Iterator[Problem]:
    facts, init = file.repository, file.init_facts
    if facts is None or init is None:
        return
    nodes = {p.name: p.node for p in init.function.parameters if p.required}
    for component, (library, name) in facts.components.items():
        # What `__init__` does not require is not loaded everywhere.
        if component not in nodes:
            continue
        path = f"{component}/{library}.py"
        module = file.component_modules.get(component)
        if module is not None:
            known = module.namespace is not None and not module.open_ended
            if known and module.namespace and name not in module.namespace.names:
                yield _problem(nodes[component], f"`{path}` has no class `{name}`", f"has no attribute '{name}'")
        elif library == "diffusers":
            if _is_missing(file, "diffusers", name.removeprefix("FlashPack")):
                yield _problem(nodes[component], f"diffusers has no class `{name}`", f"has no class `{name}`")
        elif not _may_be_imported(file, library) and facts.has(path) is Truth.NO:
            yield _problem(
                nodes[component],
                f"`model_index.json` has a module `{library}` for `{component}`, and there is no `{path}`",
                "is not one of the libraries Diffusers can load components from",
            )


def _problem(node: cst.CSTNode, message: str, consequence: str) -> Problem:
    return Problem(
        node,
        message,
        consequence=consequence,
        advice="put the module into the component's folder, or correct `model_index.json`",
    )


def _may_be_imported(file: PipelineFile, library: str) -> bool:
    """Whether a module may be one that is imported before any component is loaded."""
    root = library.partition(".")[0]
    imports = file.namespace.imports if file.namespace else ()
    return (
        library in _LIBRARIES
        or root in _IMPORTED
        or any(item.imported.root == root for item in imports)
        or not _is_missing(file, "diffusers.pipelines", library)
    )


def _is_missing(file: PipelineFile, module: str, name: str) -> bool:
    """Whether the release certainly has no such name, nor a module of that name."""
    if file.target is None:
        return False
    index, version = file.target.index, file.target.diffusers.version
    if not name.isidentifier():
        return True
    return index.exists(module, name, version) is False and index.exists(f"{module}.{name}", None, version) is False


_CUSTOM = "from diffusers import UNet2DModel\n\n\nclass MyUNet(UNet2DModel):\n    pass\n"

RULE = Rule(
    code="CP603",
    name="component-not-found",
    docs=__doc__,
    check=check,
    breaks="repository",
    versioned=True,
    bad=(
        repository(unet=["my_unet", "MyUNet"]),
        repository(unet=["my_unet", "MyUNet"], files={"my_unet.py": _CUSTOM}),
        repository(unet=["my_unet", "MyUnet"], files={"unet/my_unet.py": _CUSTOM}),
        repository(unet=["diffusers", "UNet2DModle"]),
        repository(unet=["my_package.unets", "MyUNet"]),
    ),
    good=(
        repository(),
        repository(unet=["my_unet", "MyUNet"], files={"unet/my_unet.py": _CUSTOM}),
        repository(PIPELINE, safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"]),
        repository(PIPELINE.replace("scheduler):", "scheduler, extra=None):"), extra=["no_such", "Extra"]),
    ),
)
