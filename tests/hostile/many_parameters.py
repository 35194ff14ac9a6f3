"""A call with 10,000 parameters."""

# expect: not run: its signatures, recipe and example are too long


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class ManyPipeline(DiffusionPipeline):

    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, @@PARAMETERS@@):
        return torch.ones(1, 3, 8, 8)
