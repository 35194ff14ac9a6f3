"""The static verdict on odd files, against the real loader: no false alarm, no false promise."""

from __future__ import annotations

import pytest

from cpipe_check.api_index.target import resolve
from cpipe_check.checker import check_static
from cpipe_check.rules.base import HEADER
from cpipe_check.submission import Submission
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
    return check_static(Submission("my_pipeline.py", content, None), resolve()).compatibility.loads


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_real_loader(real_loader, name: str) -> None:
    body, expected = CASES[name]
    content = source(body)
    claim = predicted(content)
    real = real_loader.load(content)
    if claim is not None:
        assert claim == (real.stage != "load"), real.error
    assert claim is expected
