from __future__ import annotations

from github_server.fixtures import server

__all__ = ["server"]
