"""What a recipe asks for is made for real, and what it expects is compared with real outputs."""

from __future__ import annotations

from typing import Any

import pytest

from cpipe_check.recipe import MAKERS, OMIT, Expected
from cpipe_check.smoke.outputs import BadOutput
from cpipe_check.smoke.recipe_values import _MAKERS, call_values, check_expected, make

torch = pytest.importorskip("torch", reason="the smoke-load needs the smoke extra")
numpy = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")


def test_every_maker_is_made() -> None:
    assert set(_MAKERS) == MAKERS - {OMIT}


def test_images() -> None:
    image = make({"image": [64, 32]}, "cpu", 0)
    assert (image.size, image.mode) == ((64, 32), "RGB")
    assert all(low < high for low, high in image.getextrema())
    mask = make({"mask": [16, 8]}, "cpu", 0)
    assert (mask.size, mask.mode, mask.getextrema()) == ((16, 8), "L", (0, 255))
    for maker in ("images", "video"):
        several = make({maker: [3, 16, 8]}, "cpu", 0)
        assert [(type(i), i.size, i.mode) for i in several] == [(Image.Image, (16, 8), "RGB")] * 3
        assert len({i.tobytes() for i in several}) == 3
    assert make({"mask": [1, 1]}, "cpu", 0).size == make({"image": [1, 1]}, "cpu", 0).size == (1, 1)


def test_numbers_repeat() -> None:
    tensor = make({"tensor": [1, 4, 8, 8]}, "cpu", 3)
    assert (tuple(tensor.shape), tensor.dtype) == ((1, 4, 8, 8), torch.float32)
    assert torch.equal(tensor, make({"tensor": [1, 4, 8, 8]}, "cpu", 3))
    assert not torch.equal(tensor, make({"tensor": [1, 4, 8, 8]}, "cpu", 4))
    array = make({"array": [2, 5]}, "cpu", 3)
    assert (array.shape, array.dtype) == ((2, 5), numpy.float32)
    assert (array == make({"array": [2, 5]}, "cpu", 3)).all()
    drawn = [torch.rand(2, generator=make({"generator": 7}, "cpu", seed)) for seed in (0, 1)]
    assert torch.equal(*drawn)


def test_plain_values_are_themselves_and_makers_are_found_within() -> None:
    value = {"scale": 0.5, "parts": [1, "a", {"mask": [4, 4]}], "image": [1, 2], "more": {"image": "x", "y": 1}}
    made = make(value, "cpu", 0)
    assert made["parts"][2].size == (4, 4)
    assert {**made, "parts": made["parts"][:2]} == {**value, "parts": value["parts"][:2]}


def test_call() -> None:
    call = {"prompt": "a cat", "a": {"tensor": [2]}, "eta": {"omit": True}, "b": {"tensor": [2]}}
    values = call_values(call, "cpu", 0)
    assert list(values) == ["prompt", "a", "b"]
    assert not torch.equal(values["a"], values["b"])
    assert torch.equal(values["b"], call_values(call, "cpu", 0)["b"])


IMAGE = Image.new("RGB", (8, 6))


class Output(dict[str, Any]):
    pass


@pytest.mark.parametrize(
    ("expect", "output"),
    [
        (Expected(), None),
        (Expected("Output", 2, (6, 8, 3)), Output(images=[IMAGE, IMAGE])),
        (Expected("Tensor", 2, (2, 3, 4, -1)), torch.zeros(2, 3, 4, 5)),
        (Expected(images=1), torch.zeros(3, 4, 5)),
        (Expected("tuple", 3), ([IMAGE] * 3, None)),
        (Expected("list", 3), [IMAGE, [IMAGE, IMAGE]]),
        (Expected("Image", 1), IMAGE),
        (Expected(images=0), {"text": "a cat"}),
    ],
)
def test_as_expected(expect: Expected, output: Any) -> None:
    check_expected(expect, output)


@pytest.mark.parametrize(
    ("expect", "output", "message"),
    [
        (Expected("Output"), IMAGE, "returned a Image, and the recipe expects a Output"),
        (Expected(images=1), Output(images=[IMAGE, IMAGE]), "returned 2 images, and the recipe expects 1"),
        (Expected(shape=(1, 3, 4, 4)), torch.zeros(1, 3, 4, 5), r"shape \[1, 3, 4, 5\], and the recipe expects \[1, 3"),
        (Expected(shape=(1, 3)), torch.zeros(1, 3, 4), r"expects \[1, 3\]"),
        (Expected(shape=(1,)), "text", r"returned no array, and the recipe expects \[1\]"),
    ],
)
def test_not_as_expected(expect: Expected, output: Any, message: str) -> None:
    with pytest.raises(BadOutput, match=message):
        check_expected(expect, output)
