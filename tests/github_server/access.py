"""Who may do what: tokens, an app's JWT, permissions; refusals as GitHub words them."""

from __future__ import annotations

from collections.abc import Mapping

import jwt

from github_server.model import App, State, Token
from github_server.routing import Refusal

_BY_JWT = {"apps/get-authenticated", "apps/create-installation-access-token", "apps/get-repo-installation"}
_LEVELS = {"read": 1, "write": 2, "admin": 3}


def credentials(headers: Mapping[str, str]) -> str:
    """The token or JWT of a request, "" for none."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() in ("token", "bearer") else ""


def authenticate(state: State, secret: str, operation: str) -> Token:
    """Who calls; raises Refusal as GitHub does."""
    if operation in _BY_JWT:
        return Token("", {}, _app_of(state, secret))
    if not secret:
        raise Refusal(401, "Requires authentication")
    token = state.tokens.get(secret)
    if token is None or token.revoked:
        raise Refusal(401, "Bad credentials")
    if operation == "users/get-authenticated" and token.app is not None:
        raise Refusal(403, "Resource not accessible by integration")
    return token


def _app_of(state: State, secret: str) -> App:
    try:
        issuer = str(jwt.decode(secret, options={"verify_signature": False}).get("iss"))
        app = state.apps[int(issuer)]
        claims = jwt.decode(
            secret,
            app.public_key,
            algorithms=["RS256"],
            options={"require": ["iat", "exp", "iss"], "verify_iss": False},
        )
    except jwt.ExpiredSignatureError:
        raise Refusal(
            401, "'Expiration time' claim ('exp') must be a numeric value representing the future time"
        ) from None
    except (jwt.PyJWTError, KeyError, ValueError):
        raise Refusal(401, "A JSON web token could not be decoded") from None
    if claims["exp"] - claims["iat"] > 660:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    return app


def authorize(token: Token, needs: str) -> None:
    """Raise the 403 that GitHub gives where a permission is missing; reading needs one as in a private repository."""
    for alternative in needs.split("; "):
        wanted = (permission.split("=") for permission in alternative.split(","))
        if all(
            name == "metadata" or _LEVELS.get(token.permissions.get(name, ""), 0) >= _LEVELS[level]
            for name, level in wanted
        ):
            return
    kind = "integration" if token.app else "personal access token"
    raise Refusal(403, f"Resource not accessible by {kind}", **{"X_Accepted_GitHub_Permissions": needs})
