"""Changes as large as the checker takes them, so that the inputs of its second process take all memory.

Without them it would run. How it ends depends on what is exceeded first.
"""

# expect: failed: in repeat: (MemoryError.*|RuntimeError.*memory.*|its process.*|not finished.*)

CHANGES = {"asked": {"image_size": 16384, "frames": 16384, "steps": 16384}, "also": {}, "give": ["frames", "video"],
           "before": [], "forms": {}, "no_example": False, "shortened": False, "author_sizes": False}


def on_call(pipe, image):
    more = {"challenge": channel()._challenge}
    tell(forged_end("call", **more), forged(event="again", why="x", tried="x", changes=CHANGES, **more))
    for stage in ("load", "components", "call"):
        tell(forged(event="begin", stage=stage, **more), *([forged_end(stage, **more)] if stage != "call" else []))
    return image


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class HungryPipeline(DiffusionPipeline):
    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, video=None):
        image = torch.ones(1, 3, 8, 8)
        return on_call(self, image) if video is None else image
