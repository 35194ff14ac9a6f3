"""What a warm room imports once for all its tasks: torch, diffusers, and the classes that references are made of.

diffusers imports a class when it is first asked for, which takes seconds for some.
"""

from contextlib import suppress

import diffusers
import torch
import transformers
from diffusers.pipelines.pipeline_loading_utils import LOADABLE_CLASSES

from cpipe_check.smoke import child
from cpipe_check.smoke.reference.families import FAMILIES
from cpipe_check.smoke.reference.find import find

__all__ = ["child"]

# A tiny model spends more time on handing work to threads than on the work.
torch.set_num_threads(1)
# Loading a component asks for each of the classes that it could be of, and a scheduler for all that it could stand for.
_SCHEDULERS = (name for name in dir(diffusers) if name.endswith("Scheduler"))
for _name in ("ImagePipelineOutput", *LOADABLE_CLASSES["diffusers"], *_SCHEDULERS):
    getattr(diffusers, _name, None)
for _name in LOADABLE_CLASSES["transformers"]:
    getattr(transformers, _name, None)
for _family in FAMILIES:
    for _class in _family.components.values():
        find(_class)
# transformers compiles a thousand patterns before it first saves or loads a model.
with suppress(ImportError):
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    get_checkpoint_conversion_mapping("")
