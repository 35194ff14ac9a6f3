"""The fixture. A test directory has it by `from github_server.fixtures import server` in its conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from github_server.server import GitHubServer


@pytest.fixture
def server() -> Iterator[GitHubServer]:
    """A GitHub of the test's own, which fails the test where a request or an answer broke the contract."""
    with GitHubServer() as github:
        yield github
    assert not github.violations, "\n".join(github.violations)
