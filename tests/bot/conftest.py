"""The GitHub and the Hub of these tests."""

from github_server.fixtures import server
from hub_server.fixtures import hub

__all__ = ["hub", "server"]
