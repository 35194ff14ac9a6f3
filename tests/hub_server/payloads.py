"""What a webhook of the Hub sends, by its documentation."""

from __future__ import annotations

import json
from typing import Any

from hub_server.model import Discussion, Event, Repo, State


def content(state: State, repo: Repo, *refs: tuple[str, str | None, str | None]) -> bytes:
    """`repo.content`: refs that were changed, each with its old and new sha."""
    payload = _base(state, repo, "update", "repo.content")
    payload["repo"]["headSha"] = repo.refs.get("refs/heads/main", "")
    payload["updatedRefs"] = [{"ref": ref, "oldSha": old, "newSha": new} for ref, old, new in refs]
    return json.dumps(payload).encode()


def discussion(state: State, repo: Repo, found: Discussion, action: str = "create") -> bytes:
    """`discussion`: one was opened (with its first comment), or changed."""
    payload = _base(state, repo, action, "discussion") | {"discussion": _discussion(state, found)}
    if action == "create" and found.comments:
        payload["comment"] = _comment(state, repo, found, found.comments[0])
    return json.dumps(payload).encode()


def comment(state: State, repo: Repo, found: Discussion, event: Event, action: str = "create") -> bytes:
    """`discussion.comment`: one was written, edited or hidden."""
    payload = _base(state, repo, action, "discussion.comment") | {"discussion": _discussion(state, found)}
    return json.dumps(payload | {"comment": _comment(state, repo, found, event)}).encode()


def _base(state: State, repo: Repo, action: str, scope: str) -> dict[str, Any]:
    web = f"https://huggingface.co/{'datasets/' if repo.type == 'dataset' else ''}{repo.name}"
    described: dict[str, Any] = {"type": repo.type, "name": repo.name, "id": repo.id, "private": repo.private}
    described |= {"url": {"web": web, "api": f"https://huggingface.co/api/{repo.type}s/{repo.name}"}}
    described |= {"owner": {"id": state.user(repo.owner).id}}
    webhook = {"id": "6390e855e30d9209411de93b", "version": 3}
    return {"event": {"action": action, "scope": scope}, "repo": described, "webhook": webhook}


def _discussion(state: State, found: Discussion) -> dict[str, Any]:
    url = {"web": "https://huggingface.co/x", "api": "https://huggingface.co/api/x"}
    shape: dict[str, Any] = {"id": found.id, "title": found.title, "url": url, "status": found.status}
    shape |= {"author": {"id": state.user(found.author).id}, "num": found.num, "isPullRequest": found.is_pull_request}
    return shape | ({"changes": {"base": "refs/heads/main"}} if found.is_pull_request else {})


def _comment(state: State, repo: Repo, found: Discussion, event: Event) -> dict[str, Any]:
    url = {"web": f"https://huggingface.co/{repo.name}/discussions/{found.num}#{event.id}"}
    shape = {"id": event.id, "author": {"id": state.user(event.author).id}, "hidden": bool(event.hidden_by), "url": url}
    return shape if event.hidden_by else shape | {"content": event.raw}
