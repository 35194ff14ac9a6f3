"""Every step of the denoising becomes a frame of a video."""

import torch
from dataclasses import dataclass
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel
from diffusers.utils import BaseOutput


@dataclass
class VideoOutput(BaseOutput):
    frames: torch.Tensor


class NoiseToVideoPipeline(DiffusionPipeline):
    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, num_frames: int = 6, generator=None):
        config = self.unet.config
        shape = (1, config.in_channels, config.sample_size, config.sample_size)
        image = torch.randn(shape, generator=generator).to(self.device)
        self.scheduler.set_timesteps(num_frames)
        frames = []
        for t in self.scheduler.timesteps:
            image = self.scheduler.step(self.unet(image, t).sample, t, image, generator=generator).prev_sample
            frames.append(image.clamp(-1, 1))
        return VideoOutput(frames=torch.stack(frames, dim=1))
