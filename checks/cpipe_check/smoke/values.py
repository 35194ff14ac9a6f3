"""Values to call a pipeline with: small, seeded, and neither black nor white nor empty."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

PROMPT = "a photo of a cat"
STEPS = 2
# How a picture can be given.
Form = Literal["pil", "tensor", "array", "list"]
FORMS: tuple[Form, ...] = ("pil", "tensor", "array", "list")


@dataclass(frozen=True, slots=True)
class Setting:
    """What values are made for: the pictures' size in pixels, a video's frames, the device and the seed.

    `size_known` is False when the reference is somebody else's, which sets its own size.
    """

    image_size: int
    size_known: bool
    device: str
    seed: int
    frames: int = 5
    text_width: int = 32
    steps: int = STEPS


def generator(setting: Setting) -> Any:
    """Return a seeded generator, on the GPU where the pipeline runs on one."""
    import torch

    return torch.Generator(setting.device if setting.device.startswith("cuda") else "cpu").manual_seed(setting.seed)


def image(setting: Setting, mode: str = "RGB", size: tuple[int, int] | None = None, turn: int = 0) -> Any:
    """Return a PIL image with a gradient, turned by 90 degrees so many times."""
    from PIL import Image

    gradient = Image.linear_gradient("L").resize(size or (setting.image_size, setting.image_size))
    return gradient.rotate(90 * (turn % 4)).convert(mode)


def video(setting: Setting, frames: int = 0) -> list[Any]:
    """Return a list of PIL images."""
    return [image(setting, turn=i) for i in range(frames or setting.frames)]


def tensor(setting: Setting, shape: tuple[int, ...]) -> Any:
    """Return a float tensor of numbers from 0 to 1."""
    import torch

    return torch.rand(shape, generator=torch.Generator("cpu").manual_seed(setting.seed)).to(setting.device)


def file(setting: Setting, kind: str) -> str:
    """Write a picture or a video to the current directory and return its path; without OpenCV it is an animated GIF."""
    if kind == "image":
        path = os.path.abspath("image.png")
        image(setting).save(path)
        return path
    frames = video(setting, 16)
    if find_spec("cv2") is not None:
        return _mp4(frames)
    path = os.path.abspath("video.gif")
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def _mp4(frames: list[Any]) -> str:
    import cv2
    import numpy

    path = os.path.abspath("video.mp4")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"mp4v"), 8, frames[0].size)
    for frame in frames:
        writer.write(numpy.asarray(frame)[:, :, ::-1])
    writer.release()
    return path


def audio(seconds: float = 0.5, rate: int = 16000) -> Any:
    """Return a mono tone as a float32 array of shape (samples,)."""
    import numpy

    return numpy.sin(numpy.arange(int(seconds * rate)) * 0.1).astype("float32")


def picture(setting: Setting, form: str, mode: str = "RGB") -> Any:
    """Return a picture in one of the forms that pipelines take it in. As a tensor or array a mask has one channel."""
    import numpy

    if form == "list":
        return [image(setting, mode)]
    if form == "pil":
        return image(setting, mode)
    channels, side = len(mode), setting.image_size
    whole = tensor(setting, (1, channels, side, side))
    if form == "tensor":
        return (whole > 0.5).float() if mode == "L" else whole
    return numpy.asarray(image(setting, mode))
