"""Takes a component that no Stable Diffusion repository has: the user passes `clip_model` to `from_pretrained`."""

import torch
from diffusers import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from transformers import CLIPImageProcessor, CLIPModel, CLIPTextModel, CLIPTokenizer

from diffusers import AutoencoderKL, DDIMScheduler, DiffusionPipeline, UNet2DConditionModel


class ScoredTextToImagePipeline(DiffusionPipeline):
    def __init__(
        self,
        vae: AutoencoderKL,
        text_encoder: CLIPTextModel,
        clip_model: CLIPModel,
        tokenizer: CLIPTokenizer,
        unet: UNet2DConditionModel,
        scheduler: DDIMScheduler,
        safety_checker: StableDiffusionSafetyChecker,
        feature_extractor: CLIPImageProcessor,
    ):
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            clip_model=clip_model,
            tokenizer=tokenizer,
            unet=unet,
            scheduler=scheduler,
            safety_checker=safety_checker,
            feature_extractor=feature_extractor,
        )

    @torch.no_grad()
    def __call__(self, prompt: str, height: int = 512, width: int = 512, num_inference_steps: int = 50, generator=None):
        inner = StableDiffusionPipeline(
            vae=self.vae,
            text_encoder=self.text_encoder,
            tokenizer=self.tokenizer,
            unet=self.unet,
            scheduler=self.scheduler,
            safety_checker=self.safety_checker,
            feature_extractor=self.feature_extractor,
        )
        inner.set_progress_bar_config(disable=True)
        image = inner(
            prompt, height=height, width=width, num_inference_steps=num_inference_steps, generator=generator
        ).images[0]
        pixels = self.feature_extractor(image, return_tensors="pt").pixel_values.to(self.device)
        tokens = self.tokenizer([prompt], padding=True, return_tensors="pt").to(self.device)
        score = self.clip_model(pixel_values=pixels, **tokens).logits_per_image
        return {"images": [image], "score": score}
