"""Has its second process call methods that end it, as what has to be called first."""

# expect: failed: in repeat: .*exit code 0.*

import os

CHANGES = {"asked": {}, "also": {}, "give": [], "before": ["leave"], "forms": {}, "no_example": False,
           "shortened": False, "author_sizes": False}


def on_call(pipe, image):
    more = {"challenge": channel()._challenge}
    tell(forged_end("call", **more), forged(event="again", why="x", tried="x", changes=CHANGES, **more))
    for stage in ("load", "components", "call"):
        tell(forged(event="begin", stage=stage, **more), *([forged_end(stage, **more)] if stage != "call" else []))
    return image


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class LeavingPipeline(DiffusionPipeline):
    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    def leave(self):
        os._exit(0)

    @torch.no_grad()
    def __call__(self):
        return on_call(self, torch.ones(1, 3, 8, 8))
