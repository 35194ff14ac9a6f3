"""What a call is given in the place of its author's defaults, where those make it large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpipe_check.smoke.attempts import Changes
from cpipe_check.smoke.inputs import call_arguments
from cpipe_check.smoke.job import Argument
from cpipe_check.smoke.small import small_numbers
from cpipe_check.smoke.values import Setting

SETTING = Setting(image_size=64, size_known=True, device="cpu", seed=0)


def parameters(defaults: Mapping[str, object]) -> tuple[Argument, ...]:
    return tuple(Argument(name, "positional", "int", str(default)) for name, default in defaults.items())


@pytest.mark.parametrize(
    ("defaults", "small"),
    [
        # All by the same factor, to multiples of eight.
        (
            {"tile_height": 1024, "tile_width": 512, "tile_overlap": 128},
            {"tile_height": 64, "tile_width": 32, "tile_overlap": 8},
        ),
        ({"max_tile_size": 1024, "border": 20, "window_stride": 100}, {}),
        ({"processing_res": 768, "match_input_res": True, "res_mode": "'max'"}, {"processing_res": 64}),
        ({"resolution": 640, "no_overlap": 0}, {"resolution": 64}),
        # Not large, or no pictures' sizes.
        ({"tile_size": 128, "stride": 64}, {}),
        ({"temporal_tile_size": 800, "text_window": 512, "max_sequence_length": 512, "noise_level": 250}, {}),
        # Elsewhere.
        ({"height": 1024, "width": 1024, "num_inference_steps": 50}, {}),
        (
            {"ensemble_size": 10, "max_iter": 25, "num_inner_steps": 10, "n_repeats": 3},
            {"ensemble_size": 2, "max_iter": 2, "num_inner_steps": 2},
        ),
        ({"max_iter_to_alter": 25, "warmup_steps": 10, "callback_steps": 10}, {}),
    ],
)
def test_small_numbers(defaults: Mapping[str, object], small: Mapping[str, int]) -> None:
    assert small_numbers(parameters(defaults), SETTING) == small


def test_the_size_is_that_of_the_reference() -> None:
    arguments = parameters({"tile_size": 1024, "overlap": 512})
    assert small_numbers(arguments, replace(SETTING, image_size=256)) == {"tile_size": 256, "overlap": 128}
    assert small_numbers(arguments, replace(SETTING, image_size=512)) == {}
    assert small_numbers(arguments, replace(SETTING, size_known=False)) == {}


SIZES = st.dictionaries(st.sampled_from(["tile_height", "tile_width", "overlap", "stride", "border"]), st.integers(0))


@given(SIZES)
def test_what_is_less_stays_less(sizes: Mapping[str, int]) -> None:
    small = small_numbers(parameters(sizes), SETTING)
    for name in small:
        assert small[name] % 8 == 0
        assert 0 < small[name] <= 64
        assert {other for other in small if small[other] < small[name]} == {
            other for other in small if sizes[other] < sizes[name]
        }


def test_an_example_does_not_make_the_call_large_again() -> None:
    arguments = parameters({"tile_size": 1024, "overlap": 128, "factor": 2})
    example = {"tile_size": 1280, "factor": 3}
    assert call_arguments(arguments, SETTING, Changes(), example) == {"tile_size": 64, "overlap": 8, "factor": 3}


def test_the_authors_sizes_are_left_alone_when_asked_for() -> None:
    arguments = parameters({"tile_size": 1024, "overlap": 128})
    changes = Changes(author_sizes=True)
    assert call_arguments(arguments, SETTING, changes) == {}
    assert call_arguments(arguments, SETTING, changes, {"tile_size": 1280}) == {"tile_size": 1280}
