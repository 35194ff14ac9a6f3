"""The real PyGithub, pointed at the server."""

from __future__ import annotations

import github
from github.Repository import Repository

from github_server.server import GitHubServer

ALL = {"pull_requests": "write", "checks": "write", "contents": "read", "issues": "write", "actions": "write"}


def client(server: GitHubServer, token: str, **options: object) -> github.Github:
    """PyGithub without retries and pauses."""
    settings = {"retry": None, "seconds_between_requests": 0, "seconds_between_writes": 0, "timeout": 10, **options}
    return github.Github(base_url=server.base_url, auth=github.Auth.Token(token), **settings)  # type: ignore[arg-type]


def repository(server: GitHubServer, login: str = "github-actions[bot]", **permissions: str) -> Repository:
    """The server's repository through PyGithub, with every permission where none is given."""
    token = server.token(login, **(permissions or ALL))
    return client(server, token).get_repo(server.repository.full_name)
