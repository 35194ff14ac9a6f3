"""Text to image on the components of Stable Diffusion 1.x."""

from typing import List, Optional, Union

import torch
from diffusers import AutoencoderKL, DiffusionPipeline, ImagePipelineOutput, PNDMScheduler, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils.torch_utils import randn_tensor
from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTokenizer


class TextToImagePipeline(DiffusionPipeline):
    _optional_components = ["feature_extractor"]

    def __init__(
        self,
        vae: AutoencoderKL,
        text_encoder: CLIPTextModel,
        tokenizer: CLIPTokenizer,
        unet: UNet2DConditionModel,
        scheduler: PNDMScheduler,
        feature_extractor: Optional[CLIPImageProcessor] = None,
    ):
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            unet=unet,
            scheduler=scheduler,
            feature_extractor=feature_extractor,
        )
        self.image_processor = VaeImageProcessor(vae_scale_factor=8)

    def encode(self, prompt: List[str]) -> torch.Tensor:
        tokens = self.tokenizer(
            prompt, padding="max_length", truncation=True, max_length=self.tokenizer.model_max_length, return_tensors="pt"
        )
        return self.text_encoder(tokens.input_ids.to(self._execution_device))[0]

    @torch.no_grad()
    def __call__(
        self,
        prompt: Union[str, List[str]],
        height: int = 512,
        width: int = 512,
        num_inference_steps: int = 50,
        guidance_scale: float = 7.5,
        generator: Optional[torch.Generator] = None,
        output_type: str = "pil",
    ) -> ImagePipelineOutput:
        prompts = [prompt] if isinstance(prompt, str) else prompt
        embeddings = torch.cat([self.encode([""] * len(prompts)), self.encode(prompts)])
        shape = (len(prompts), self.unet.config.in_channels, height // 8, width // 8)
        latents = randn_tensor(shape, generator=generator, device=self._execution_device, dtype=embeddings.dtype)
        self.scheduler.set_timesteps(num_inference_steps)
        latents = latents * self.scheduler.init_noise_sigma
        for t in self.progress_bar(self.scheduler.timesteps):
            noise = self.unet(torch.cat([latents] * 2), t, encoder_hidden_states=embeddings).sample
            without, with_text = noise.chunk(2)
            noise = without + guidance_scale * (with_text - without)
            latents = self.scheduler.step(noise, t, latents).prev_sample
        image = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        return ImagePipelineOutput(images=self.image_processor.postprocess(image, output_type=output_type))
