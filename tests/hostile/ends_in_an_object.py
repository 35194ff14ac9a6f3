"""An object of the class that its example shows, whose making ends the process."""

# expect: failed: in call: its process ended with exit code 0 and no report: .*

import os


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class Box:
    def __init__(self, *arguments, **named):
        os._exit(0)


class BoxPipeline(DiffusionPipeline):
    """
    Example:
        >>> pipe = DiffusionPipeline.from_pretrained("google/ddpm-cifar10-32", custom_pipeline="box")
        >>> pipe(box=Box(1))
    """

    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, box: Box):
        return torch.ones(1, 3, 8, 8)
