"""Pictures of what a call returned: drawn in the file's process, read with distrust, shown in the page."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import PIPELINES
from cpipe_check.checker import check
from cpipe_check.report import RENDERERS
from cpipe_check.report.model import FileReport, Picture, Report, Verdict
from cpipe_check.smoke import evidence, outputs, pictures
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.submission import collect
from test_html import Page

pytest.importorskip("diffusers", reason="the smoke-load needs the smoke extra")
numpy = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

ONE_STEP = (PIPELINES / "one_step_unet.py").read_text()
# What a file can do to its pictures once they are written: it is called again, to save.
SAVES = """
    def save_pretrained(self, save_directory, **kwargs):
        import os
        from pathlib import Path
        here = Path(save_directory).parent / "first" / "pictures"
        BODY
        super().save_pretrained(save_directory, **kwargs)
"""
ATTACKS = {
    "link": '(here / "0.rgb").unlink(); (here / "0.rgb").symlink_to("/etc/hostname")',
    "folder_link": 'here.rename(here.parent / "moved"); here.symlink_to("moved")',
    "pipe": '(here / "0.rgb").unlink(); os.mkfifo(here / "0.rgb")',
    "folder": '(here / "0.rgb").unlink(); (here / "0.rgb").mkdir()',
    "huge": '(here / "0.rgb").write_bytes(bytes(1 << 24))',
    "deep": '(here / "pictures.json").write_text("[" * 10000)',
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One run over pipelines that return an image, a video and a sound, and over those that tamper."""
    folder = tmp_path_factory.mktemp("files")
    paths = [PIPELINES / f"{name}.py" for name in ("text_to_image", "noise_to_video", "noise_to_audio")]
    for name, body in ATTACKS.items():
        paths.append(folder / f"{name}.py")
        paths[-1].write_text(ONE_STEP + SAVES.replace("BODY", body))
    return check(collect([str(path) for path in paths]), SmokeOptions(device="cpu", seconds=60))


@pytest.fixture(scope="module")
def files(report: Report) -> dict[str, FileReport]:
    return {Path(file.path).stem: file for file in report.files}


def page_of(file: FileReport) -> Page:
    return Page(RENDERERS["html"](Report((file,)), False))


def shown(page: Page) -> list[Any]:
    """The images of a page, decoded by Pillow."""
    sources = [str(image["src"]).partition(",")[2] for image in page.all("img")]
    return [Image.open(io.BytesIO(base64.b64decode(source))) for source in sources]


def test_image_is_shown(files: dict[str, FileReport]) -> None:
    (picture,) = files["text_to_image"].smoke.pictures
    assert (picture.kind, picture.width, picture.height, picture.frames) == ("image", 64, 64, 1)
    assert len(set(picture.pixels)) > 100, "it is no blank"
    page = page_of(files["text_to_image"])
    (image,) = shown(page)
    assert (image.size, image.tobytes()) == ((64, 64), picture.pixels)
    assert page.all("img")[0]["alt"] == "image"
    assert f"What the call returned{files['text_to_image'].smoke.output}" in page.text


def test_video_is_shown(files: dict[str, FileReport]) -> None:
    (picture,) = files["noise_to_video"].smoke.pictures
    assert (picture.kind, picture.width, picture.height, picture.frames) == ("video", 32, 32, 5)
    page = page_of(files["noise_to_video"])
    (strip,) = shown(page)
    assert strip.size == (5 * 32, 32)
    frames = [strip.crop((32 * n, 0, 32 * n + 32, 32)).tobytes() for n in range(5)]
    assert b"".join(frames) == picture.pixels
    assert len(set(frames)) == 5
    assert page.all("img")[0]["alt"] == "video, 5 frames side by side"
    assert "prefers-reduced-motion: reduce" in page.style


def test_sound_is_shown(files: dict[str, FileReport]) -> None:
    (picture,) = files["noise_to_audio"].smoke.pictures
    assert (picture.kind, picture.width, picture.height) == ("audio", 400, 2)
    middle = sum(high - low for low, high in zip(picture.pixels[180::2], picture.pixels[181::2], strict=True))
    assert middle > 0
    page = page_of(files["noise_to_audio"])
    (shape,) = page.all("polygon")
    points = [tuple(map(float, point.split(","))) for point in str(shape["points"]).split()]
    assert len(points) == 800
    assert all(0 <= x < 400 and -1 <= y <= 101 for x, y in points)
    assert page.all("svg")[0]["aria-label"] == "waveform of audio"


def test_no_picture_in_json(report: Report) -> None:
    document = json.loads(RENDERERS["json"](report, False))
    assert not [file for file in document["files"] if "pictures" in file["smoke"]]


@pytest.mark.parametrize("name", ATTACKS)
def test_tampering_costs_the_picture_and_not_the_verdict(files: dict[str, FileReport], name: str) -> None:
    smoke = files[name].smoke
    assert (smoke.verdict, smoke.reason, smoke.pictures) == (Verdict.RAN, "", ())
    assert not page_of(files[name]).all("img")


def drawn(value: Any, folder: Path) -> tuple[Picture, ...]:
    """What is drawn of a value, written and read back."""
    (folder / "first").mkdir(exist_ok=True)
    pictures.write(value, folder / "first" / "pictures")
    return evidence.pictures(folder)


def corners(picture: Picture) -> tuple[bytes, bytes]:
    return picture.pixels[:3], picture.pixels[-3:]


RAMP = numpy.linspace(0, 1, 3 * 8 * 16, dtype="float32").reshape(8, 16, 3)
FIRST = torch.from_numpy(RAMP).permute(2, 0, 1)


@pytest.mark.parametrize(
    ("value", "pixels"),
    [
        (RAMP, RAMP),
        (RAMP[None], RAMP),
        (FIRST, RAMP),
        (FIRST[None] * 2 - 1, RAMP),
        (FIRST[None].bfloat16(), None),
        ((RAMP * 255 + 0.5).astype("uint8"), RAMP),
        (RAMP * 255, RAMP),
        (RAMP[..., :1], RAMP[..., :1]),
        (RAMP[..., 0], RAMP[..., :1]),
        (numpy.concatenate([RAMP, RAMP[..., :1]], axis=2), RAMP),
        (RAMP * 1000 - 300, RAMP),
        (RAMP > 0.5, (RAMP > 0.5).astype("float32")),
        ({"images": [FIRST]}, RAMP),
        (Image.fromarray((RAMP * 255 + 0.5).astype("uint8")), RAMP),
    ],
)
def test_an_image(tmp_path: Path, value: Any, pixels: Any) -> None:
    """Channels first and last, one, three and four of them, and every range that pipelines return."""
    (picture,) = drawn(value, tmp_path)
    assert (picture.kind, picture.width, picture.height, picture.frames) == ("image", 16, 8, 1)
    if pixels is not None:
        low, high = pixels.min(), pixels.max()
        expected = numpy.broadcast_to((pixels - low) / (high - low) * 255, (8, 16, 3)).ravel()
        got = numpy.frombuffer(picture.pixels, "uint8").astype("float32")
        assert numpy.abs(got - expected).max() <= 1


IMAGE = Image.linear_gradient("L").resize((64, 32)).convert("RGB")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([IMAGE] * 3, [("image", 64, 32, 1)] * 3),
        (([IMAGE, IMAGE], [False, False]), [("image", 64, 32, 1)] * 2),
        ([IMAGE] * 100, [("image", 64, 32, 1)] * pictures.MAX_PICTURES),
        ({"frames": [[IMAGE] * 5]}, [("video", 64, 32, 5)]),
        ({"frames": [IMAGE] * 5}, [("video", 64, 32, 5)]),
        ([[IMAGE] * 40] * 2, [("video", 64, 32, 16)] * 2),
        ({"frames": [IMAGE, IMAGE.resize((10, 10))]}, [("video", 64, 32, 2)]),
        ({"frames": numpy.zeros((1, 20, 64, 128, 3))}, [("video", 96, 48, 16)]),
        ({"frames": torch.rand(2, 7, 3, 16, 24)}, [("video", 24, 16, 7)] * 2),
        ({"frames": torch.rand(1, 3, 7, 16, 24)}, [("video", 24, 16, 7)]),
        ({"frames": [numpy.zeros((16, 24, 3))] * 4}, [("video", 24, 16, 4)]),
        ({"videos": torch.rand(4, 3, 16, 24)}, [("video", 24, 16, 4)]),
        ({"frames": numpy.zeros((30, 16, 96, 96, 3))}, [("video", 96, 96, 16)] * 4),
        ({"audios": numpy.ones((1, 900))}, [("audio", 400, 2, 1)]),
        ({"audios": torch.randn(2, 2, 300)}, [("audio", 300, 2, 1)] * 2),
        (torch.randn(48_000), [("audio", 400, 2, 1)]),
        (torch.rand(1, 3, 2048, 1024), [("image", 48, 96, 1)]),
        (Image.new("I;16", (5, 5)), [("image", 5, 5, 1)]),
        (Image.new("P", (4000, 2)), [("image", 96, 1, 1)]),
        (torch.rand(1, 3, 16, 4), [("image", 4, 16, 1)]),
        (numpy.zeros((4, 16, 3)), [("image", 16, 4, 1)]),
        (torch.ones(1, 1), []),
        (["text"], []),
        (None, []),
        (numpy.array(["text"]), []),
        (torch.empty(0, 3, 8, 8), []),
    ],
)
def test_kinds_and_sizes(tmp_path: Path, value: Any, expected: list[tuple[str, int, int, int]]) -> None:
    assert [(p.kind, p.width, p.height, p.frames) for p in drawn(value, tmp_path)] == expected


def test_waveform_is_the_samples(tmp_path: Path) -> None:
    samples = numpy.concatenate([numpy.zeros(4000), numpy.full(4000, 0.25), numpy.full(4000, -0.5)])
    (picture,) = drawn({"audios": samples[None]}, tmp_path)
    pairs = [tuple(picture.pixels[i : i + 2]) for i in range(0, 800, 2)]
    assert (pairs[10], pairs[200], pairs[390]) == ((127, 127), (191, 191), (0, 0))


class Broken(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no items here")


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("value", [Broken(a=1), {"a": IMAGE, "b": Broken(c=1)}, endless(), object(), 3])
def test_writing_never_fails(tmp_path: Path, value: Any) -> None:
    drawn(value, tmp_path)
    pictures.write(IMAGE, tmp_path / "no" / "such" / "directory")


GOOD: dict[str, object] = {"kind": "image", "width": 2, "height": 2, "frames": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "svg"},
        {"kind": ["image"]},
        {"width": 0},
        {"width": -2, "height": -2},
        {"width": 97},
        {"width": 1 << 60},
        {"width": 2.0},
        {"width": float("nan")},
        {"height": "2"},
        {"frames": 0},
        {"frames": 2},
        {"kind": "video"},
        {"kind": "video", "frames": 17},
        {"kind": "audio", "frames": 2},
        {"kind": "audio", "height": 3},
        {"kind": "audio", "width": 401},
        {"kind": "audio", "width": float("inf")},
    ],
)
def test_a_list_that_is_not_ours(tmp_path: Path, change: dict[str, object]) -> None:
    """What is wrong is left out, even with as many bytes as it claims; the good picture before it stays."""
    folder = tmp_path / "first" / "pictures"
    folder.mkdir(parents=True)
    changed: dict[str, Any] = {**GOOD, **change}
    (folder / "0.rgb").write_bytes(bytes(12))
    width, height, frames = (changed[name] for name in ("width", "height", "frames"))
    claimed = 12
    if all(isinstance(n, int) and 0 < n < 1000 for n in (width, height, frames)):
        claimed = 2 * width if changed["kind"] == "audio" else 3 * width * height * frames
    (folder / "1.rgb").write_bytes(bytes(claimed))
    (folder / "pictures.json").write_text(json.dumps([GOOD, changed]))
    assert evidence.pictures(tmp_path) == (Picture("image", 2, 2, 1, bytes(12)),)


@pytest.mark.parametrize("text", ["", "{}", "null", "[", "[[[]]]", '"x"', "[NaN]", "9" * 5000, "[1e999]", "\xff"])
def test_a_list_that_is_no_list(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "first" / "pictures"
    folder.mkdir(parents=True)
    (folder / "pictures.json").write_bytes(text.encode("latin-1"))
    assert evidence.pictures(tmp_path) == ()


def test_files_that_are_not_ours(tmp_path: Path) -> None:
    folder = tmp_path / "first" / "pictures"
    folder.mkdir(parents=True)
    (tmp_path / "elsewhere").write_bytes(bytes(12))
    for number, size in enumerate((11, 12, 13)):
        (folder / f"{number}.rgb").write_bytes(bytes(size))
    (folder / "3.rgb").symlink_to(tmp_path / "elsewhere")
    (folder / "4.rgb").mkdir()
    (tmp_path / "list").write_text(json.dumps([GOOD] * 6))
    (folder / "pictures.json").symlink_to(tmp_path / "list")
    assert evidence.pictures(tmp_path) == ()
    (folder / "pictures.json").unlink()
    (folder / "pictures.json").write_text(json.dumps([GOOD] * 6))
    assert len(evidence.pictures(tmp_path)) == 1
    (folder / "pictures.json").write_text(json.dumps([GOOD] * 10_000))
    assert evidence.pictures(tmp_path) == ()


def test_all_together_are_limited(tmp_path: Path) -> None:
    folder = tmp_path / "first" / "pictures"
    folder.mkdir(parents=True)
    for number in range(20):
        (folder / f"{number}.rgb").write_bytes(bytes(3 * 96 * 96 * 16))
    film = {"kind": "video", "width": 96, "height": 96, "frames": 16}
    (folder / "pictures.json").write_text(json.dumps([film] * 20))
    assert len(evidence.pictures(tmp_path)) == pictures.MAX_BYTES // (3 * 96 * 96 * 16)
    for number in range(20):
        (folder / f"{number}.rgb").write_bytes(bytes(12))
    (folder / "pictures.json").write_text(json.dumps([GOOD] * 20))
    assert len(evidence.pictures(tmp_path)) == pictures.MAX_PICTURES


def test_no_waiting_for_a_pipe(tmp_path: Path) -> None:
    folder = tmp_path / "first" / "pictures"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pictures.json")
    reader = threading.Thread(target=evidence.pictures, args=(tmp_path,), daemon=True)
    reader.start()
    reader.join(10)
    assert not reader.is_alive()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: torch.arange(6.0).reshape(2, 3), "Tensor (2, 3), 0..5, mean 2.5"),
        (lambda: torch.ones(2, dtype=torch.bfloat16), "Tensor (2,), all 1"),
        (lambda: numpy.array([True, False]), "ndarray (2,), 0..1, mean 0.5"),
        (lambda: [Image.new("RGB", (4, 2), (0, 10, 20))] * 2, "2 x Image 4x2 RGB, 0..20, mean 10"),
        (lambda: [[Image.new("L", (4, 2))] * 8], "1 x 8 x Image 4x2 L, all 0"),
        (lambda: (numpy.zeros(3), [False]), "(ndarray (3,), all 0; 1 x bool)"),
        (lambda: (numpy.zeros(3),), "(ndarray (3,), all 0,)"),
        (lambda: {"a": numpy.zeros(3), "b": None, "c": "text"}, "dict: a ndarray (3,), all 0; c str"),
        (lambda: [], "list"),
    ],
)
def test_describe(make: Callable[[], Any], text: str) -> None:
    assert outputs.describe(make()) == text


def test_description_is_short() -> None:
    assert len(outputs.describe({"k" * 10_000: numpy.zeros(3)})) <= 400
    assert not re.search("\n", outputs.describe([1.5]))
