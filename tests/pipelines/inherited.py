"""Inherits everything but `__call__` from a library pipeline."""

import torch
from diffusers import StableDiffusionPipeline


class BrighterPipeline(StableDiffusionPipeline):
    @torch.no_grad()
    def __call__(self, prompt, brightness: float = 0.1, **kwargs):
        output = super().__call__(prompt, num_inference_steps=2, height=64, width=64, output_type="np", **kwargs)
        return output.images + brightness
