"""Annotations that are code, or speak to readers."""

# expect: not run: no input for the call's parameter `second` .*


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class AnnotatedPipeline(DiffusionPipeline):

    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(
        self,
        first: "__import__('os').system('touch @@CANARY_DIR@@/annotation') or int" = 1,
        *,
        second: "\x1b[31m\n::error::owned \u202e##[group]x <script>x</script>",
        third: "[" * 50000 = None,
    ):
        return torch.ones(1, 3, 8, 8)
