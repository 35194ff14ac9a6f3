"""What is tried after a refused call: read out of the errors that torch, diffusers and pipelines really raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpipe_check.smoke.attempts import DOWNLOADS, MAX_ATTEMPTS, Changes, Failure, Situation, changes_from, following
from cpipe_check.smoke.attempts.changes import ask

NOW = Situation(
    helpful=("prompt_2", "image", "mask_image", "audio"),
    optional=("prompt_2", "image", "mask_image", "audio", "eta", "scale", "negative_prompt"),
    pictures=("image", "mask_image"),
    components=("image_encoder", "controlnet", "refiner"),
    given=("prompt",),
    has_example=False,
    image_size=64,
    text_width=32,
    setters={"weights": "train"},
)
WITH_IMAGE = replace(NOW, given=("prompt", "image"))
WITH_EXAMPLE = replace(NOW, has_example=True)
UNET = ("/lib/diffusers/models/unets/unet_2d_condition.py", "forward", "sample = self.conv_in(sample)")
FLUX = "/lib/diffusers/models/transformers/transformer_flux.py"
OWN = ("/room/my_pipeline.py", "__call__", "return self.prepare()")
CHANNELS = (
    "Given groups=1, weight of size [32, 4, 3, 3], expected input[2, 9, 8, 8] to have 4 channels, but got 9 channels "
    "instead"
)


def product(given: int, taken: int) -> str:
    return f"mat1 and mat2 shapes cannot be multiplied (77x{given} and {taken}x32)"


def failed(text: str, *frames: tuple[str, str, str], kind: str = "RuntimeError") -> Failure:
    return Failure(kind, text, frames or (OWN,))


def first(failure: Failure, changes: Changes | None = None, now: Situation = NOW) -> tuple[Changes, str] | None:
    return next(following(failure, changes or Changes(), now), None)


@pytest.mark.parametrize(
    ("failure", "asked", "words"),
    [
        (failed(CHANNELS, OWN, UNET), {"channels": 9}, "channels 9"),
        (failed(CHANNELS, (FLUX, "forward", "self.pos_embed_input(controlnet_cond)")), {"control": 5}, "control 5"),
        (
            failed(
                "Incorrect configuration settings! The config of `pipeline.unet`: UNet expects 4 but received "
                "`num_channels_latents`: 4 + `num_channels_mask`: 1 + `num_channels_masked_image`: 4 = 9. Please",
                kind="ValueError",
            ),
            {"channels": 9},
            "channels 9",
        ),
        (
            failed(
                "The config of `pipeline.unet` expects 4 but received `num_channels_latents`: 4 +"
                " `num_channels_image`: 4 Please verify the config",
                kind="ValueError",
            ),
            {"channels": 8},
            "channels 8",
        ),
        (failed(product(64, 32), (FLUX, "forward", "self.x_embedder(hidden_states)")), {"channels": 64}, "channels 64"),
        (
            failed(product(68, 64), (FLUX, "forward", "self.controlnet_x_embedder(controlnet_cond)")),
            {"control": 4},
            "control 4",
        ),
        (failed(product(48, 32), (UNET[0], "__call__", "key = attn.to_k(states)")), {"cross": 48}, "cross 48"),
        (failed(product(90, 80), (UNET[0], "forward", "self.add_embedding(embeds)")), {"added": 90}, "added 90"),
        (
            failed(product(256, 32), (UNET[0], "forward", "self.cond_proj(condition)")),
            {"guidance": 256},
            "guidance 256",
        ),
        (
            failed(
                "'NoneType' object has no attribute 'to'", ("e.py", "f", "sample + self.cond_proj(c)"), kind="TypeError"
            ),
            {"guidance": 256},
            "guidance 256",
        ),
        # A projection of the file's own of 768 wide states, and of 768 and two numbers.
        (failed(product(32, 768), (OWN[0], "forward", "self.mapper(states)")), {"text_width": 768}, "text width 768"),
        (failed(product(34, 770), (OWN[0], "forward", "self.mapper(states)")), {"text_width": 768}, "text width 768"),
        (
            failed("Input image size (224*224) doesn't match model (32*32).", kind="ValueError"),
            {"vision_size": 224},
            "vision size 224",
        ),
        (failed("index 30 is out of range", kind="IndexError"), {"layers": 31}, "layers 31"),
        (
            failed("shape '[1, 16, 4, 2, 4, 2]' is invalid for input of size 2048", (FLUX, "_pack_latents", "view()")),
            {"parts": 2},
            "parts 2",
        ),
        (
            failed(
                "The size of tensor a (4) must match the size of tensor b (8) at non-singleton dimension 1",
                ("/lib/diffusers/schedulers/scheduling_ddim.py", "step", "sample - model_output"),
            ),
            {"channels": 16},
            "channels 16",
        ),
        (
            failed("Expected size 4 but got size 8 for tensor number 1", (OWN[0], "prepare_latents", "torch.cat")),
            {"channels": 8},
            "channels 8",
        ),
        (
            failed("`height` and `width` have to be divisible by 48 but are 64 and 64.", kind="ValueError"),
            {"image_size": 96},
            "image size 96",
        ),
        (failed("the input has to be at least 128x128", kind="ValueError"), {"image_size": 128}, "image size 128"),
        (failed("integer division or modulo by zero", kind="ZeroDivisionError"), {"steps": 10}, "steps 10"),
        (failed("cannot reshape tensor of 0 elements into shape [0, -1, 1, 8]"), {"steps": 10}, "steps 10"),
        (failed("shape mismatch along dimension 1"), {"image_size": 128}, "image size 128"),
    ],
)
def test_sizes(failure: Failure, asked: Mapping[str, int], words: str) -> None:
    assert first(failure) == (Changes(asked=asked), words)


@pytest.mark.parametrize(
    ("failure", "now", "changes", "words"),
    [
        (
            failed("'P' object has no attribute 'weights'", kind="AttributeError"),
            NOW,
            Changes(before=("train",)),
            "train first",
        ),
        (
            failed("'NoneType' object is not callable", (OWN[0], "f", "self.image_encoder(image)"), kind="TypeError"),
            NOW,
            Changes(also={"image_encoder": ""}),
            "component image_encoder",
        ),
        (
            failed("offline", (OWN[0], "f", "self.refiner = UNet2DModel.from_pretrained('a/b')"), kind=DOWNLOADS[0]),
            NOW,
            Changes(also={"refiner": "UNet2DModel"}),
            "component refiner",
        ),
        (
            failed("'NoneType' object has no attribute 'shape'", (OWN[0], "encode_prompt", "x.shape")),
            NOW,
            Changes(give=("negative_prompt",)),
            "with negative_prompt",
        ),
        (
            failed("`image` input cannot be undefined.", kind="ValueError"),
            NOW,
            Changes(give=("image",)),
            "with image",
        ),
        (
            failed("object of type 'NoneType' has no len()", kind="TypeError"),
            NOW,
            Changes(give=("image", "mask_image")),
            "with image, mask_image",
        ),
        (
            failed("Input is in incorrect format: <class 'NoneType'>", kind="ValueError"),
            WITH_IMAGE,
            Changes(give=("mask_image",)),
            "with mask_image",
        ),
        (
            failed("Provide `scale` of at most 1.", kind="ValueError"),
            NOW,
            Changes(give=("scale",)),
            "with scale",
        ),
        (
            failed("boom", (OWN[0], "check", "assert audio, eta"), kind="AssertionError"),
            NOW,
            Changes(give=("audio",)),
            "with audio",
        ),
        (
            failed("the lists must match", kind="ValueError"),
            WITH_EXAMPLE,
            Changes(shortened=True),
            "with lists of one item",
        ),
        (
            failed("'Image' object has no attribute 'shape'", kind="AttributeError"),
            WITH_IMAGE,
            Changes(forms={"image": "tensor"}),
            "image as tensor",
        ),
        (
            failed("object of type 'Image' has no len()", kind="TypeError"),
            WITH_IMAGE,
            Changes(forms={"image": "list"}),
            "image as list",
        ),
        (
            failed("`image` has to be a numpy array", kind="ValueError"),
            WITH_IMAGE,
            Changes(forms={"image": "array"}),
            "image as array",
        ),
        # Nothing in the text helps: other pictures, then the size that the example is for, then no example.
        (failed("no", kind="OSError"), NOW, Changes(give=("image", "mask_image")), "with image, mask_image"),
        (
            failed("no", kind="OSError"),
            replace(WITH_EXAMPLE, pictures=()),
            Changes(asked={"image_size": 128}),
            "image size 128",
        ),
        (
            failed("no", kind="OSError"),
            replace(WITH_EXAMPLE, pictures=(), image_size=512),
            Changes(no_example=True),
            "without the example's values",
        ),
    ],
)
def test_what_is_passed(failure: Failure, now: Situation, changes: Changes, words: str) -> None:
    assert first(failure, now=now) == (changes, words)


@pytest.mark.parametrize(
    "failure",
    [
        # Ten thousand layers are none that a reference has, 4 of 9 channels none that a convolution of the file takes.
        failed("index 10000 is out of range", kind="OSError"),
        failed(CHANNELS, OWN),
        failed("offline", (OWN[0], "f", "CLIPModel.from_pretrained('a/b')"), kind=DOWNLOADS[0]),
        failed("shape '[0, 4]' is invalid for input of size 2048", (FLUX, "_pack_latents", "view()"), kind="OSError"),
        failed("boom", kind="OSError"),
    ],
)
def test_nothing_comes_to_mind(failure: Failure) -> None:
    """No channels, layers or parts; what is tried of any error is not looked at here."""
    asked = [changes.asked for changes, _ in following(failure, Changes(), NOW)]
    assert not {name for sizes in asked for name in sizes} - {"image_size", "steps"}


def test_small_sizes_are_taken_back_before_others_are_tried() -> None:
    failure = failed("integer division or modulo by zero", kind="ZeroDivisionError")
    found = list(following(failure, Changes(), replace(NOW, small=("tile_size", "overlap"))))
    assert found[0] == (Changes(author_sizes=True), "tile_size, overlap as by default")
    assert found[1][0].asked == {"steps": 10}


def test_larger_pictures_are_tried_in_turn() -> None:
    failure = failed("shape mismatch along dimension 1")
    seen, now = [64], replace(NOW, pictures=())
    while "image_size" in (asked := next((c.asked for c, _ in following(failure, Changes(), now)), {})):
        now = replace(now, image_size=asked["image_size"])
        seen.append(now.image_size)
    assert seen == [64, 128, 512]


def test_forms_are_tried_in_turn() -> None:
    failure = failed("expected another type", kind="TypeError")
    now, changes, seen = replace(WITH_IMAGE, helpful=()), Changes(), []
    while found := first(failure, changes, now):
        changes = found[0]
        seen.append(found[1])
    assert seen == ["image as tensor", "image as list", "image as array"]


def test_without_an_example_all_else_begins_anew() -> None:
    tried = Changes(asked={"image_size": 512}, give=("image",), forms={"image": "array"}, shortened=True)
    now = replace(WITH_EXAMPLE, image_size=512, pictures=())
    assert first(failed("no", kind="OSError"), tried, now) == (
        Changes(shortened=True, no_example=True),
        "without the example's values",
    )


def test_what_cannot_be_made_is_passed_over() -> None:
    """Each suggestion is on top of what was there before, not of one that could not be made."""
    failure = failed("`image` and `scale` must match", kind="ValueError")
    found = [words for _, words in following(failure, Changes(), WITH_EXAMPLE)]
    assert found[:2] == ["with image", "with lists of one item"]
    assert all(
        changes.give == () for changes, words in following(failure, Changes(), WITH_EXAMPLE) if "with " not in words
    )


NUMBERS = st.integers(0, 3000) | st.integers(0, 10**40)
TEXTS = st.one_of(
    st.builds(lambda a, b: f"to have {a} channels, but got {b} channels", NUMBERS, NUMBERS),
    st.builds(lambda a, b, c: f"cannot be multiplied (1x{a} and {b}x{c})", NUMBERS, NUMBERS, NUMBERS),
    st.builds(lambda a, b: f"expects {a} but received {b}", NUMBERS, st.text("0123456789=+: x", max_size=20)),
    st.builds(lambda a, b: f"shape '[{a}]' is invalid for input of size {b}", st.text("0123, ", max_size=12), NUMBERS),
    st.builds(lambda a, b: f"size of tensor a ({a}) must match the size of tensor b ({b})", NUMBERS, NUMBERS),
    st.builds(lambda a: f"divisible by {a}, at least {a}x{a}", NUMBERS),
    st.builds(lambda a: f"index {a} is out of range, empty, 'NoneType' has no attribute 'weights'", NUMBERS),
    st.sampled_from(
        [
            "`image` must be a list of PIL, got Tensor",
            "'NoneType' object is not callable, is in incorrect format",
            "`scale` and `prompt_2` have the same length",
            "Input image size (224*224) doesn't match model",
        ]
    ),
    st.text(max_size=40),
)
FRAMES = st.tuples(
    st.sampled_from([UNET[0], FLUX, OWN[0], "scheduling_x.py"]),
    st.sampled_from(["forward", "prepare_latents", "_pack", "encode_prompt", "check_inputs"]),
    st.sampled_from(
        [
            "self.x_embedder(x)",
            "attn.to_k(x)",
            "cond_proj(x)",
            "self.controlnet(image)",
            "scale * 2",
            "raise ValueError",
        ]
    )
    | st.builds("self.{0} = {0}.from_pretrained".format, st.sampled_from(NOW.components)),
)
FAILURES = st.builds(
    Failure,
    st.sampled_from(["RuntimeError", "ValueError", "TypeError", "AttributeError", "ZeroDivisionError", *DOWNLOADS]),
    st.lists(TEXTS, min_size=1, max_size=3).map(" ".join),
    st.lists(FRAMES, max_size=4).map(tuple),
)


@given(st.lists(FAILURES, min_size=MAX_ATTEMPTS, max_size=MAX_ATTEMPTS), st.booleans(), st.integers(0, 3))
def test_attempts_end_and_cross_as_json(errors: list[Failure], has_example: bool, pick: int) -> None:
    changes, now = Changes(), replace(NOW, has_example=has_example, small=("tile_size",))
    for error in errors:
        found = list(following(error, changes, now))
        assert changes.author_sizes or any(each.author_sizes for each, _ in found) == (error.kind not in DOWNLOADS)
        for each, words in found:
            assert each != changes
            assert words
            assert changes_from(each.to_object()) == changes_from(json.loads(json.dumps(each.to_object()))) == each
        if not found:
            break
        changes = found[pick % len(found)][0]
        now = replace(
            now,
            given=(*NOW.given, *changes.give),
            has_example=has_example and not changes.no_example,
            small=() if changes.author_sizes else now.small,
            image_size=changes.asked.get("image_size", 64),
        )


@given(st.sampled_from(["channels", "image_size", "text_width"]), st.integers())
def test_asked_sizes_are_sane(name: str, number: int) -> None:
    found = ask(Changes(), name, number)
    assert (found is not None) == (0 < number <= 1 << 14)


OBJECT = Changes(
    {"channels": 9}, {"refiner": ""}, ("image",), ("train",), {"image": "list"}, True, True, True
).to_object()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def is_changes(value: Any) -> bool:
    try:
        return changes_from(value).to_object() == value or value == {}
    except ValueError:
        return False


@given(JSON)
def test_other_json_is_refused(value: Any) -> None:
    assert is_changes(value) == (value == {})


@given(st.sampled_from(sorted(OBJECT)), JSON)
def test_a_field_of_other_json_is_refused(name: str, value: Any) -> None:
    """What is taken is what would have been written: nothing of another type is let through."""
    try:
        taken = changes_from({**OBJECT, name: value})
    except ValueError:
        return
    written = json.dumps(taken.to_object(), sort_keys=True)
    assert written == json.dumps({**OBJECT, name: value}, sort_keys=True)


@pytest.mark.parametrize(
    "bad",
    [
        {"asked": {"channels": True}},
        {"asked": {"channels": 9.0}},
        {"asked": {"channels": 0}},
        {"asked": {"channels": (1 << 14) + 1}},
        {"asked": {"secrets": 1}},
        {"also": {"refiner": []}},
        {"also": {"refiner": "os.system"}},
        {"also": {"a b": ""}},
        {"give": "image"},
        {"give": [["image"]]},
        {"give": ["x" * 100]},
        {"give": ["x"] * 201},
        {"before": ["../x"]},
        {"forms": {"image": "pickle"}},
        {"forms": {"image": ["list"]}},
        {"no_example": 1},
        {"more": 1},
    ],
)
def test_refused(bad: Mapping[str, Any]) -> None:
    assert changes_from(OBJECT).to_object() == OBJECT
    with pytest.raises(ValueError, match="no changes of ours"):
        changes_from({**OBJECT, **bad})


def test_words_of_an_example_get_tokens() -> None:
    failure = failed("torch.cat(): expected a non-empty list of Tensors", kind="ValueError")
    found = first(failure, now=WITH_EXAMPLE)
    assert found is not None
    assert (found[0].asked, found[1]) == ({"words": 1}, "a token for each word of the example")
    without = first(failure)
    assert without is None or "words" not in without[0].asked
