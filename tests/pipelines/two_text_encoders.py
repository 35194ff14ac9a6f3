import torch
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from diffusers import AutoencoderKL, DiffusionPipeline, EulerDiscreteScheduler, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from diffusers.pipelines.pipeline_utils import ImagePipelineOutput


class TwoTextEncodersPipeline(DiffusionPipeline):
    """Text to image, with two text encoders and sizes as an added condition."""

    def __init__(
        self,
        vae: AutoencoderKL,
        text_encoder: CLIPTextModel,
        text_encoder_2: CLIPTextModelWithProjection,
        tokenizer: CLIPTokenizer,
        tokenizer_2: CLIPTokenizer,
        unet: UNet2DConditionModel,
        scheduler: EulerDiscreteScheduler,
    ):
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            text_encoder_2=text_encoder_2,
            tokenizer=tokenizer,
            tokenizer_2=tokenizer_2,
            unet=unet,
            scheduler=scheduler,
        )
        self.image_processor = VaeImageProcessor(vae_scale_factor=2 ** (len(vae.config.block_out_channels) - 1))

    def encode(self, tokenizer, encoder, prompt):
        tokens = tokenizer(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt")
        return encoder(tokens.input_ids.to(encoder.device), output_hidden_states=True)

    @torch.no_grad()
    def __call__(self, prompt: str, height: int = 64, width: int = 64, num_inference_steps: int = 20, generator=None):
        one = self.encode(self.tokenizer, self.text_encoder, prompt)
        two = self.encode(self.tokenizer_2, self.text_encoder_2, prompt)
        states = torch.cat([one.hidden_states[-2], two.hidden_states[-2]], dim=-1)
        sizes = torch.tensor([[height, width, 0, 0, height, width]], device=states.device)
        conditions = {"text_embeds": two.text_embeds, "time_ids": sizes}
        self.scheduler.set_timesteps(num_inference_steps)
        shape = (1, self.unet.config.in_channels, height // 8, width // 8)
        latents = torch.randn(shape, generator=generator, dtype=states.dtype) * self.scheduler.init_noise_sigma
        for t in self.progress_bar(self.scheduler.timesteps):
            scaled = self.scheduler.scale_model_input(latents, t)
            noise = self.unet(scaled, t, encoder_hidden_states=states, added_cond_kwargs=conditions).sample
            latents = self.scheduler.step(noise, t, latents, generator=generator).prev_sample
        image = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        return ImagePipelineOutput(images=self.image_processor.postprocess(image))
