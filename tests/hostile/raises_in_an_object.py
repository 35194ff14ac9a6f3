"""An object of the class that its example shows, whose making raises what no handler takes."""

# expect: failed: in call: KeyboardInterrupt: .*


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class Box:
    def __new__(cls, *arguments, **named):
        raise KeyboardInterrupt("::error::\x1b[31m")


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
