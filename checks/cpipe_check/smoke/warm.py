"""What a warm room imports once for all its tasks: torch, diffusers, and the classes that references are made of.

diffusers imports a class when it is first asked for, which takes seconds for some.
"""

import torch

from cpipe_check.smoke import child
from cpipe_check.smoke.reference.families import FAMILIES
from cpipe_check.smoke.reference.find import find

__all__ = ["child"]

# A tiny model spends more time on handing work to threads than on the work.
torch.set_num_threads(1)
for _family in FAMILIES:
    for _class in _family.components.values():
        find(_class)
