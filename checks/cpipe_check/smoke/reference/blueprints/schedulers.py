"""Schedulers, configured as the model repositories around them configure theirs. Any other takes its defaults."""

from __future__ import annotations

from typing import Any

from cpipe_check.smoke.reference.dimensions import Dimensions

_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def _guidance(_: Dimensions) -> Any:
    from diffusers import ClassifierFreeGuidance

    return ClassifierFreeGuidance()


def _unclip(dimensions: Dimensions) -> dict[str, Any]:
    """A prior predicts embeddings, a decoder noise and its variance, what enlarges pictures noise alone."""
    if dimensions.role == "decoder_scheduler":
        return {"variance_type": "learned_range", "prediction_type": "epsilon"}
    if dimensions.role == "super_res_scheduler":
        return {"variance_type": "fixed_small_log", "prediction_type": "epsilon"}
    return {"variance_type": "fixed_small_log", "prediction_type": "sample"}


BLUEPRINTS: dict[str, Any] = {
    "DDPMScheduler": {"num_train_timesteps": 1000},
    "DDIMScheduler": {**_BETAS, "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1},
    "EulerDiscreteScheduler": {**_BETAS, "steps_offset": 1, "timestep_spacing": "leading"},
    "PNDMScheduler": {**_BETAS, "skip_prk_steps": True, "steps_offset": 1},
    "CogVideoXDDIMScheduler": {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
    "CogVideoXDPMScheduler": {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
    "HeliosScheduler": {"stages": 1, "stage_range": [0, 1], "use_dynamic_shifting": True},
    # What stands for any guidance.
    "BaseGuidance": _guidance,
    "UnCLIPScheduler": _unclip,
}
