"""The GitHub of these tests."""

from github_server.fixtures import server

__all__ = ["server"]
