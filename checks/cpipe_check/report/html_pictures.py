"""The pictures of the HTML report: images as a contact sheet, videos as strips that move, sounds as waveforms."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cpipe_check.report import png
from cpipe_check.report.markup import Markup, tag
from cpipe_check.report.model import Picture

# The longer side in pixels: of a picture that is the only one, and of one of several.
_ALONE, _AMONG = 192, 96
_WAVE = 100


def gallery(pictures: Sequence[Picture]) -> Markup:
    """Return the pictures of one call, each with what it is, in words; nothing when there are none."""
    if not pictures:
        return Markup()
    side = _ALONE if len(pictures) == 1 else _AMONG
    figures = [_figure(number, picture, len(pictures), side) for number, picture in enumerate(pictures, 1)]
    return tag("div", *figures, class_="gallery")


def _figure(number: int, picture: Picture, count: int, side: int) -> Markup:
    name = picture.kind if count == 1 else f"{picture.kind} {number} of {count}"
    if picture.kind == "audio":
        return tag("figure", _waveform(picture, f"waveform of {name}"), tag("figcaption", name), class_="audio")
    # Enlarged by whole numbers, so that each pixel stays a square.
    scale = max(1, side // max(picture.width, picture.height))
    width, height = picture.width * scale, picture.height * scale
    if picture.frames == 1:
        image = _image(picture, alt=name, width=width, height=height)
        return tag("figure", image, tag("figcaption", name))
    alt = f"{name}, {picture.frames} frames side by side"
    strip = _image(_strip(picture), alt=alt, width=width * picture.frames, height=height)
    film = tag("div", strip, class_="film", tabindex=0, style=f"--frames:{picture.frames};--width:{width}px")
    return tag("figure", film, tag("figcaption", f"{name}, {picture.frames} frames"), class_="video")


def _image(picture: Picture, alt: str, width: int, height: int) -> Markup:
    encoded = base64.b64encode(png.encode(picture.width, picture.height, picture.pixels)).decode("ascii")
    return tag("img", src=f"data:image/png;base64,{encoded}", alt=alt, width=width, height=height)


def _strip(video: Picture) -> Picture:
    """Return a video's frames side by side, as one image."""
    row = 3 * video.width
    frame = row * video.height
    pixels = b"".join(
        video.pixels[n * frame + y * row :][:row] for y in range(video.height) for n in range(video.frames)
    )
    return Picture("image", video.width * video.frames, video.height, 1, pixels)


def _waveform(picture: Picture, label: str) -> Markup:
    lows, highs = picture.pixels[::2], picture.pixels[1::2]
    # At least a line, where it is silent.
    upper = [f"{x},{_WAVE - high * _WAVE / 255 - 0.5:.1f}" for x, high in enumerate(highs)]
    lower = [f"{x},{_WAVE - low * _WAVE / 255 + 0.5:.1f}" for x, low in enumerate(lows)]
    shape = tag("polygon", points=" ".join(upper + lower[::-1]))
    view = f"0 0 {max(1, picture.width - 1)} {_WAVE}"
    return tag("svg", shape, viewBox=view, preserveAspectRatio="none", role="img", aria_label=label)
