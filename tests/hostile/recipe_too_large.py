"""A recipe for a reference that takes all memory."""

# expect: (failed: in reference: its process.*|not run: no reference for component `unet` .*memory.*)

# /// cpipe-check
# components.unet = {class = "UNet2DModel", block_out_channels = [32768, 32768], down_block_types = ["DownBlock2D", "DownBlock2D"], up_block_types = ["UpBlock2D", "UpBlock2D"]}
# ///


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class RecipePipeline(DiffusionPipeline):

    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self):
        return torch.ones(1, 3, 8, 8)
