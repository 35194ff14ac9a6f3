import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class LeftoverPipeline(DiffusionPipeline):
    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, num_inference_steps: int = 50):
        size = self.unet.config.sample_size
        image = torch.randn((1, self.unet.config.in_channels, size, size), device=self.device)
        self.scheduler.set_timesteps(num_inference_steps)
        for t in self.scheduler.timesteps:
            image = self.scheduler.step(self.unet(image, t).sample, t, image).prev_sample
        return image
