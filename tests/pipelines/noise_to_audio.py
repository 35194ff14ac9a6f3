"""Reads a denoised picture row by row as the samples of a sound."""

import torch
from diffusers import AudioPipelineOutput, DDPMScheduler, DiffusionPipeline, UNet2DModel


class NoiseToAudioPipeline(DiffusionPipeline):
    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, num_inference_steps: int = 20, generator=None):
        config = self.unet.config
        shape = (1, config.in_channels, config.sample_size, config.sample_size)
        image = torch.randn(shape, generator=generator).to(self.device)
        self.scheduler.set_timesteps(num_inference_steps)
        for t in self.scheduler.timesteps:
            image = self.scheduler.step(self.unet(image, t).sample, t, image, generator=generator).prev_sample
        samples = image.flatten(1)
        envelope = torch.linspace(0, 12.6, samples.shape[1], device=self.device).sin()
        return AudioPipelineOutput(audios=(samples.clamp(-1, 1) * envelope).cpu().numpy())
