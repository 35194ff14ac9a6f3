"""The static verdict on odd files, against the real loader: no false alarm, no false promise."""

from __future__ import annotations

import pytest

from cpipe_check import pipeline_file
from cpipe_check.pipeline_file.facts import Truth
from cpipe_check.pipeline_file.parsing import with_deep_stack
from cpipe_check.rules.base import HEADER
from cpipe_check.static import findings
from odd_cases import CASES


def source(body: str) -> bytes:
    """The body below the usual imports; a byte order mark and future imports have to come first."""
    if body.startswith("\ufeff"):
        return ("\ufeff" + HEADER + body[1:]).encode()
    if body.startswith("from __future__"):
        first, _, rest = body.partition("\n")
        return f"{first}\n{HEADER}{rest}".encode()
    return (HEADER + body).encode()


def predicted(content: bytes) -> bool | None:
    """What the static check claims: False for an error that breaks loading, True for one certain pipeline class."""
    file = with_deep_stack(lambda: pipeline_file.read("my_pipeline.py", content))
    if any(finding.breaks == "load" for finding in findings(file)):
        return False
    certain = [answer for answer, _ in file.candidates.values()] == [Truth.YES]
    return True if certain and not file.open_ended else None


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_real_loader(real_loader, name: str) -> None:
    body, expected = CASES[name]
    content = source(body)
    claim = predicted(content)
    real = real_loader.load(content)
    if claim is not None:
        assert claim == (real.stage != "load"), real.error
    assert claim is expected
