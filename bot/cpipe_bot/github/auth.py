"""How the bot says who it is: by a token, such as an Actions job has, or as a GitHub App."""

from __future__ import annotations

from collections.abc import Mapping

import github
import jwt
from github import Auth

from cpipe_bot.github.client import CannotPublish, read

_NEITHER = "no GITHUB_TOKEN, and no CPIPE_APP_ID with CPIPE_APP_PRIVATE_KEY, in the environment"


def from_environment(environment: Mapping[str, str], api_url: str, repository: str) -> Auth.Auth:
    """Return what authenticates the bot: the App where one is named, else the token.

    Raises:
        CannotPublish: when there is neither, or the App is not installed in the repository.
    """
    app, key = environment.get("CPIPE_APP_ID", ""), environment.get("CPIPE_APP_PRIVATE_KEY", "")
    if app and key:
        return _installation(app, key, api_url, repository)
    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        raise CannotPublish(_NEITHER)
    return Auth.Token(token)


def _installation(app: str, key: str, api_url: str, repository: str) -> Auth.Auth:
    try:
        auth = Auth.AppAuth(app, key)
        integration = github.GithubIntegration(auth=auth, base_url=api_url)
        found = read("an installation", lambda: integration.get_repo_installation(*repository.split("/")))
        return auth.get_installation_auth(found.id)
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise CannotPublish(f"CPIPE_APP_PRIVATE_KEY is no private key of an App: {error}") from None
