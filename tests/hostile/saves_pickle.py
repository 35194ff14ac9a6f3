"""Weights as a pickle that runs code in whoever loads them."""

# expect: (ran|failed: .*|not run: .*)

import os
import pickle


class Payload:
    def __reduce__(self):
        return os.system, ("touch @@CANARY_DIR@@/pickled",)


def on_save(pipe, directory):
    for component in ("unet", "scheduler"):
        for name in ("pytorch_model.bin", "diffusion_pytorch_model.bin"):
            with open(f"{directory}/{component}/{name}", "wb") as file:
                pickle.dump(Payload(), file)
    os.remove(f"{directory}/unet/diffusion_pytorch_model.safetensors")
