"""Whatever a file holds, the static check and the renderers end without an exception, and their text is inert."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cpipe_check.api_index.target import resolve
from mutated import BASES, KINDS, Step, mutate, run

numbers = st.integers(0, (1 << 16) - 1)
steps = st.lists(st.builds(Step, st.integers(0, len(KINDS) - 1), numbers, numbers, numbers, numbers), max_size=6)
usual = settings(deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


@settings(usual, max_examples=2000, phases=[Phase.explicit, Phase.generate])
@given(st.sampled_from(BASES), steps)
@pytest.mark.slow
def test_mutated_files(base: bytes, steps: list[Step]) -> None:
    run(mutate(base, steps), resolve())


@pytest.mark.slow
@settings(usual, max_examples=20_000, derandomize=False)
@given(st.sampled_from(BASES), steps)
def test_mutated_files_at_length(base: bytes, steps: list[Step]) -> None:
    run(mutate(base, steps), resolve())


@settings(usual, max_examples=500)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_noise(content: bytes) -> None:
    run(content, resolve())
