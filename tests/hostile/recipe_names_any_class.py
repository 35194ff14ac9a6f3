"""A recipe whose component is a function of the system."""

# expect: not run: its recipe is not valid \(CP501\): .*

# /// cpipe-check
# components.unet = {class = "os.system", command = "touch @@CANARY_DIR@@/recipe"}
# ///


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class RecipePipeline(DiffusionPipeline):

    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, prompt: str = "x"):
        return torch.ones(1, 3, 8, 8)
