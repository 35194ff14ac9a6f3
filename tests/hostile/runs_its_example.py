"""An example that would do harm if anybody ran it."""

# expect: ran


import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class ExamplePipeline(DiffusionPipeline):
    """
    Example:
        >>> import os, torch
        >>> from diffusers import DiffusionPipeline
        >>> open("@@CANARY_DIR@@/example", "w").write("x")
        >>> exec("import os; os.kill(@@PID@@, 9)")
        >>> def make(x=[os.system("touch @@CANARY_DIR@@/default") for _ in range(3)]):
        ...     return f"{os.system('touch @@CANARY_DIR@@/inner')}"
        >>> class Meta(type):
        ...     os.kill(@@PID@@, 9)
        >>> pipe = DiffusionPipeline.from_pretrained(os.popen("touch @@CANARY_DIR@@/popen").read(), custom_pipeline="x")
        >>> pipe(make(), scale=__import__("os").system("touch @@CANARY_DIR@@/call"), size=9**9**9**9, text="a" * 10**12)
    """

    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, prompt: str = "x", scale=1.0, size=1, text=""):
        return torch.ones(1, 3, 8, 8)
