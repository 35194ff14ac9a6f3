"""`model_index.json` lists a component of which the repository has nothing.

For `"unet": ["diffusers", "UNet2DModel"]` the loader reads the folder `unet`, or where there is none the root of the
repository, and fails when there is no configuration of it in either.

Add the folder, or take the line out and let the caller pass the component.
"""

from collections.abc import Iterator

from cpipe_check.pipeline_file import PipelineFile
from cpipe_check.pipeline_file.facts import Truth
from cpipe_check.rules.base import Problem, Rule, repository

# A model's and a scheduler's, as `config_name` in diffusers 0.42 has them.
_CONFIGS = ("config.json", "scheduler_config.json")


def check(file: PipelineFile) -> Iterator[Problem]:
    facts, init = file.repository, file.init_facts
    if facts is None or init is None or any(facts.has(name) is not Truth.NO for name in _CONFIGS):
        return
    for parameter in init.function.parameters:
        library, name = facts.components.get(parameter.name, ("", ""))
        config = _CONFIGS[name.endswith("Scheduler")]
        if (
            parameter.required
            and library == "diffusers"
            and _is_known(file, name)
            and facts.has_folder(parameter.name) is Truth.NO
        ):
            yield Problem(
                parameter.node,
                f"`model_index.json` lists `{parameter.name}`, and the repository has no folder of that name",
                consequence=f"Error no file named {config} found in directory",
                advice=f"add the folder `{parameter.name}`, or take the line out of `model_index.json`",
            )
            return


def _is_known(file: PipelineFile, name: str) -> bool:
    """Whether it is a model or a scheduler; some of what else diffusers has is loaded by other means."""
    if file.target is None or not name.endswith(("Model", "Scheduler")) or name.startswith(("Onnx", "Flax")):
        return False
    return file.target.index.exists("diffusers", name, file.target.diffusers.version) is True


RULE = Rule(
    code="CP604",
    name="component-folder-missing",
    docs=__doc__,
    check=check,
    breaks="repository",
    bad=(
        repository(without=("unet/config.json", "unet/diffusion_pytorch_model.safetensors")),
        repository(without=("scheduler/scheduler_config.json",)),
    ),
    good=(repository(),),
)
