"""The records as the Hub's JSON has them."""

from __future__ import annotations

from typing import Any

import yaml

from hub_server.model import Commit, Content, Discussion, Event, Repo, State, Stored, Webhook, object_id, size_of


def user(state: State, name: str) -> dict[str, Any]:
    found = state.user(name)
    shape: dict[str, Any] = {"_id": found.id, "avatarUrl": f"/avatars/{found.id}.svg", "fullname": name, "name": name}
    shape |= {"type": found.type, "isHf": False, "isHfAdmin": False, "isMod": False}
    return shape | ({"isPro": False} if found.type == "user" else {"isEnterprise": False})


def author(state: State, repo: Repo, name: str) -> dict[str, Any]:
    """An event's author, which alone tells what somebody is to the repository."""
    found = state.user(name)
    shape = user(state, name) | {"isOwner": state.is_owner(repo, name), "isOrgMember": state.is_member(repo, name)}
    return shape | ({"oauthApp": {"name": found.app}} if found.app else {})


def event(state: State, repo: Repo, each: Event) -> dict[str, Any]:
    data: dict[str, Any]
    match each.kind:
        case "comment":
            text = "This comment has been hidden" if each.hidden_by else each.raw
            latest = {"raw": text, "html": f"<p>{len(text)} characters</p>", "updatedAt": each.updated or each.created}
            latest["author"] = user(state, each.author)  # type: ignore[assignment]
            data = {"edited": each.edits > 0, "hidden": bool(each.hidden_by), "latest": latest}
            data |= {"numEdits": each.edits, "editors": [each.author], "reactions": [], "isReport": False}
            data |= {"hiddenBy": each.hidden_by} if each.hidden_by else {}
        case "status-change":
            data = {"status": each.raw}
        case "title-change":
            data = {"from": each.before, "to": each.raw}
        case "commit":
            data = {"subject": each.before, "oid": each.raw, "parents": []}
    shape = {"id": each.id, "type": each.kind, "createdAt": each.created, "data": data}
    return shape | {"author": author(state, repo, each.author)}


def discussion(state: State, repo: Repo, found: Discussion) -> dict[str, Any]:
    return {
        "num": found.num,
        "author": user(state, found.author),
        "repo": {"name": repo.name, "type": repo.type},
        "title": found.title,
        "status": found.status,
        "createdAt": found.created,
        "isPullRequest": found.is_pull_request,
        "numComments": len(found.comments),
        "pinned": False,
    }


def details(state: State, repo: Repo, found: Discussion) -> dict[str, Any]:
    shape = discussion(state, repo, found) | {"events": [event(state, repo, each) for each in found.events]}
    shape |= {"locked": False, "collection": "discussions"}
    if found.is_pull_request:
        shape |= {"changes": {"base": "refs/heads/main"}, "filesWithConflicts": [], "diff": ""}
    return shape


def card(files: dict[str, Content]) -> dict[str, Any]:
    """The front matter of the README, as far as it can be read."""
    readme = files.get("README.md")
    if not isinstance(readme, bytes) or not readme.startswith(b"---\n"):
        return {}
    try:
        found = yaml.safe_load(readme.decode().split("---\n")[1])
    except (yaml.YAMLError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def repo(state: State, found: Repo, commit: Commit) -> dict[str, Any]:
    data = card(found.files())
    tags = data.get("tags")
    return {
        "_id": found.id,
        "id": found.name,
        "modelId": found.name,
        "author": found.owner,
        "sha": commit.sha,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "lastModified": commit.created,
        "private": found.private,
        "gated": "auto" if found.gated else False,
        "disabled": found.disabled,
        "downloads": 0,
        "likes": 0,
        "tags": [*map(str, tags if isinstance(tags, list) else []), "region:us"],
        "cardData": data,
        "siblings": [{"rfilename": path} for path in sorted(commit.files)],
    }


def tree(commit: Commit) -> list[dict[str, Any]]:
    """All entries, directories among them, by path."""
    entries: dict[str, dict[str, Any]] = {}
    for path, content in commit.files.items():
        for end in (i for i, c in enumerate(path) if c == "/"):
            entries[path[:end]] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": path[:end]}
        entry = {"type": "file", "oid": object_id(content), "size": size_of(content), "path": path}
        if isinstance(content, Stored):
            entry["lfs"] = {"oid": object_id(content) + "0" * 24, "size": content.size, "pointerSize": 134}
        entries[path] = entry
    return [entries[path] for path in sorted(entries)]


def webhook(found: Webhook) -> dict[str, Any]:
    shape: dict[str, Any] = {"id": found.id, "url": found.url, "watched": found.watched, "domains": found.domains}
    return shape | {"secret": found.secret, "disabled": found.disabled}
