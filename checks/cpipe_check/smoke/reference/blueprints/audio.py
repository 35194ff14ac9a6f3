"""Models of sound: encoders of prompts, denoisers, autoencoders of waveforms, vocoders."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.blueprints.clip import byte_letters
from cpipe_check.smoke.reference.dimensions import MEL_BINS, TEXT_WIDTH, Dimensions

_HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
# A low rate makes a short array of a second.
_RATE = 16

_CLAP_TEXT = {
    "vocab_size": 300,
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 37,
    "num_attention_heads": 4,
    "num_hidden_layers": 1,
    "projection_dim": TEXT_WIDTH,
}
_CLAP = {
    "text_config": _CLAP_TEXT,
    "audio_config": {
        "spec_size": 8,
        "window_size": 4,
        "num_mel_bins": 8,
        "depths": [1, 1],
        "num_attention_heads": [1, 1],
        "num_hidden_layers": 1,
        "hidden_size": 16,
        "patch_embeds_hidden_size": 8,
        "projection_dim": TEXT_WIDTH,
        "patch_size": 2,
        "patch_stride": 2,
    },
    "projection_dim": TEXT_WIDTH,
}


def _roberta_tokenizer(_: Dimensions) -> Any:
    from transformers import RobertaTokenizer

    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *byte_letters()]
    return RobertaTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=77)


_VOCODER = {
    "model_in_dim": MEL_BINS,
    "upsample_initial_channel": 16,
    "upsample_rates": [2, 2],
    "upsample_kernel_sizes": [4, 4],
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]],
    "normalize_before": False,
}
_LANGUAGE = {"n_embd": TEXT_WIDTH, "n_head": 2, "n_layer": 1, "vocab_size": 300, "n_positions": 99}


def _language_model(_: Dimensions) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(**_LANGUAGE))
    # Pipelines read it here.
    model.config.max_new_tokens = 8
    return model


_AUDIO_LDM2_UNET = {
    "sample_size": 8,
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "attention_head_dim": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    # One for the language model's states, one for T5's.
    "cross_attention_dim": (TEXT_WIDTH, TEXT_WIDTH),
}
_AUDIO_LDM2_PROJECTION = {
    "text_encoder_dim": TEXT_WIDTH,
    "text_encoder_1_dim": TEXT_WIDTH,
    "langauge_model_dim": TEXT_WIDTH,
}


def _oobleck(dimensions: Dimensions) -> dict[str, Any]:
    return {
        # A mean and a deviation for each channel of the latents.
        "encoder_hidden_size": 2 * dimensions.latent_channels,
        "decoder_input_channels": dimensions.latent_channels,
        "decoder_channels": 4,
        "downsampling_ratios": [1, 2],
        "channel_multiples": [1, 2],
        "audio_channels": 2,
        "sampling_rate": _RATE,
    }


def _stable_audio(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "sample_size": 16,
        "in_channels": dimensions.denoiser_channels,
        "out_channels": dimensions.latent_channels,
        "num_layers": 2,
        "attention_head_dim": 8,
        "num_attention_heads": 4,
        "num_key_value_attention_heads": 2,
        "cross_attention_dim": TEXT_WIDTH,
        "cross_attention_input_dim": TEXT_WIDTH,
        "time_proj_dim": 8,
        # Where the sound begins and where it ends.
        "global_states_input_dim": 2 * TEXT_WIDTH,
    }


_STABLE_AUDIO_PROJECTION = {
    "text_encoder_dim": TEXT_WIDTH,
    "conditioning_dim": TEXT_WIDTH,
    "min_value": 0,
    "max_value": 32,
}


def _same(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "patch_size": 2,
        "encoder_channels": 8,
        "encoder_c_mults": (2,),
        "encoder_strides": (2,),
        "encoder_transformer_depths": (1,),
        "latent_dim": dimensions.latent_channels,
        "use_differential_attention": False,
        "dim_heads": 4,
        "ff_mult": 2,
        "sampling_rate": _RATE,
    }


def _stable_audio_3(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "io_channels": dimensions.latent_channels,
        "patch_size": 1,
        "embed_dim": 32,
        "depth": 2,
        "num_heads": 4,
        "cond_token_dim": TEXT_WIDTH,
        "global_cond_dim": TEXT_WIDTH,
        # Latents and a mask over them.
        "local_add_cond_dim": dimensions.latent_channels + 1,
        "timestep_features_dim": 16,
        "ff_mult": 2,
        "num_memory_tokens": 2,
        "use_differential_attention": False,
    }


def _t5_gemma(_: Dimensions) -> Any:
    from transformers import T5GemmaConfig, T5GemmaEncoderModel, T5GemmaModuleConfig

    module = T5GemmaModuleConfig(
        vocab_size=400,
        hidden_size=TEXT_WIDTH,
        intermediate_size=37,
        num_hidden_layers=2,
        layer_types=["full_attention"] * 2,
        max_position_embeddings=512,
        **_HEADS,
    ).to_dict()
    return T5GemmaEncoderModel(T5GemmaConfig(encoder=module, decoder=module, is_encoder_decoder=False))


_ACE_HIDDEN = {"hidden_size": 32, "intermediate_size": 64, "sliding_window": 16, **_HEADS}


def _ace_transformer(dimensions: Dimensions) -> dict[str, Any]:
    latents = dimensions.latent_channels
    return {
        **_ACE_HIDDEN,
        "num_hidden_layers": 2,
        "in_channels": 3 * latents,
        "audio_acoustic_hidden_dim": latents,
        "patch_size": 2,
    }


def _ace_condition(dimensions: Dimensions) -> dict[str, Any]:
    return {
        **_ACE_HIDDEN,
        "text_hidden_dim": TEXT_WIDTH,
        "timbre_hidden_dim": dimensions.latent_channels,
        "num_lyric_encoder_hidden_layers": 1,
        "num_timbre_encoder_hidden_layers": 1,
    }


def _longcat(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "dit_dim": 64,
        "dit_depth": 2,
        "dit_heads": 4,
        "dit_text_dim": TEXT_WIDTH,
        "latent_dim": dimensions.latent_channels,
        "text_conv": False,
    }


def _longcat_vae(dimensions: Dimensions) -> dict[str, Any]:
    return {
        "channels": 16,
        "c_mults": [1, 2],
        "strides": [2],
        "latent_dim": dimensions.latent_channels,
        "encoder_latent_dim": 2 * dimensions.latent_channels,
        "downsampling_ratio": 2,
        # Its pipelines count in the latents of a real one.
        "sample_rate": 160,
    }


BLUEPRINTS: dict[str, Any] = {
    "ClapTextModelWithProjection": _CLAP_TEXT,
    "ClapModel": _CLAP,
    "RobertaTokenizer": _roberta_tokenizer,
    "SpeechT5HifiGan": _VOCODER,
    "GPT2LMHeadModel": _language_model,
    "GPT2Model": _language_model,
    "AudioLDM2UNet2DConditionModel": _AUDIO_LDM2_UNET,
    "AudioLDM2ProjectionModel": _AUDIO_LDM2_PROJECTION,
    "AutoencoderOobleck": _oobleck,
    "StableAudioDiTModel": _stable_audio,
    "StableAudioProjectionModel": _STABLE_AUDIO_PROJECTION,
    "AutoencoderSAME": _same,
    "StableAudio3DiTModel": _stable_audio_3,
    "StableAudio3DurationEmbedder": {"output_dim": TEXT_WIDTH, "fourier_dim": 16},
    "T5GemmaEncoderModel": _t5_gemma,
    "AceStepTransformer1DModel": _ace_transformer,
    "AceStepConditionEncoder": _ace_condition,
    "LongCatAudioDiTTransformer": _longcat,
    "LongCatAudioDiTVae": _longcat_vae,
}
