"""Names that may be asked of the Hub: nothing else that a payload or a person gives reaches a URL."""

from __future__ import annotations

import re

MAIN = "refs/heads/main"
_PART = r"[A-Za-z0-9_](?:[\w-]|\.(?!\.)){0,94}"
_REPO = re.compile(rf"{_PART}/{_PART}", re.ASCII)
_PULL = re.compile(r"refs/pr/([1-9][0-9]{0,8})")
_SHA = re.compile(r"[0-9a-f]{40}")
_ID = re.compile(r"[0-9a-f]{8,64}")


def is_repo(text: str) -> bool:
    """Tell whether a text may be `owner/name`, by the rules of huggingface_hub's `validate_repo_id`."""
    return (
        bool(_REPO.fullmatch(text)) and "--" not in text and not text.endswith((".", "-", ".git")) and "./" not in text
    )


def is_sha(text: str) -> bool:
    """Tell whether a text may be a commit."""
    return bool(_SHA.fullmatch(text))


def is_comment(text: str) -> bool:
    """Tell whether a text may be the id of a comment."""
    return bool(_ID.fullmatch(text))


def pull_of(ref: str) -> int | None:
    """Return the number of the pull request that a ref belongs to, None when it is no such ref."""
    match = _PULL.fullmatch(ref)
    return int(match[1]) if match else None


def revision_of(ref: str) -> str:
    """Return a ref as the Hub takes it for a revision."""
    return ref.removeprefix("refs/heads/")
