"""A recipe of code in the place of values: it is text, and stays text."""

# expect: ran

# /// cpipe-check
# components.unet = {class = "UNet2DModel", sample_size = "__import__('os').system('touch @@CANARY_DIR@@/recipe')"}
# call.prompt = "{__import__('os').kill(@@PID@@, 9)}"
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
