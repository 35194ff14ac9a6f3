"""The fixture. A test directory has it by `from hub_server.fixtures import hub` in its conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub_server.server import Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A Hub of the test's own, which fails the test where it was asked for what it does not know."""
    with Hub() as found:
        yield found
    assert not found.violations, "\n".join(found.violations)
