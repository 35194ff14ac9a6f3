"""The guide's pipeline: one step of a U-Net and a scheduler."""

import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class UnetSchedulerOneForwardPipeline(DiffusionPipeline):
    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self):
        config = self.unet.config
        image = torch.randn((1, config.in_channels, config.sample_size, config.sample_size), device=self.device)
        timestep = 1
        model_output = self.unet(image, timestep).sample
        scheduler_output = self.scheduler.step(model_output, timestep, image).prev_sample
        return scheduler_output - scheduler_output + torch.ones_like(scheduler_output)
