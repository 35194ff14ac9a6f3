"""Accounts, apps, repositories, and git: what is read by everybody."""

from __future__ import annotations

import base64
import posixpath
import secrets
import time
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from github_server.git import Commit, Content, Entry, Link, Submodule, blob_sha, changes
from github_server.model import Repository, Token
from github_server.routing import Answer, Call, Refusal, endpoint
from github_server.shapes import node


@endpoint("users/get-authenticated")
def _user(call: Call) -> Answer:
    return Answer(200, call.shapes.profile(call.token.login))


@endpoint("apps/get-authenticated")
def _app(call: Call) -> Answer:
    return Answer(200, call.shapes.app(call.app()))


@endpoint("apps/get-repo-installation")
def _installation(call: Call) -> Answer:
    if not call.app().installation:
        raise Refusal(404, "Not Found")
    return Answer(200, call.shapes.installation(call.app(), call.repository))


@endpoint("apps/create-installation-access-token")
def _access_token(call: Call) -> Answer:
    app = call.app()
    if app.installation != int(call.path["installation_id"]):
        raise Refusal(404, "Integration not found")
    wanted = call.body.get("permissions") or app.permissions
    if any(app.permissions.get(name) not in (level, "write") for name, level in wanted.items()):
        raise Refusal(422, "The permissions requested are not granted to this installation.")
    secret = f"ghs_{secrets.token_hex(18)}"
    call.state.tokens[secret] = Token(app.bot, dict(wanted), app)
    expires = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"token": secret, "expires_at": expires, "permissions": dict(wanted), "repository_selection": "selected"}
    return Answer(201, body)


@endpoint("rate-limit/get")
def _rate_limit(call: Call) -> Answer:
    rate = {"limit": 5000, "used": 1, "remaining": 4999, "reset": int(time.time()) + 3600}
    return Answer(200, {"resources": {"core": rate, "search": rate}, "rate": rate})


@endpoint("repos/get")
def _repository(call: Call) -> Answer:
    return Answer(200, call.shapes.repository(call.repository))


@endpoint("repos/get-collaborator-permission-level")
def _permission(call: Call) -> Answer:
    login = call.path["username"]
    if login not in call.state.users:
        raise Refusal(404, f"{login} is not a user")
    nothing = "none" if call.repository.private else "read"
    role = "admin" if login == call.repository.owner else call.repository.roles.get(login, nothing)
    level = {"maintain": "write", "triage": "read"}.get(role, role)
    permissions = {name: name in _INCLUDED.get(role, "") for name in ("pull", "triage", "push", "maintain", "admin")}
    user = {**call.shapes.user(login), "permissions": permissions, "role_name": role}
    return Answer(200, {"permission": level, "role_name": role, "user": user})


_INCLUDED = {
    "read": ("pull",),
    "triage": ("pull", "triage"),
    "write": ("pull", "triage", "push"),
    "maintain": ("pull", "triage", "push", "maintain"),
    "admin": ("pull", "triage", "push", "maintain", "admin"),
}


def resolve(call: Call, ref: str, repository: Repository | None = None) -> Commit:
    """The commit of a sha, a branch or ``refs/pull/N/head``; raises Refusal as GitHub does for an unknown one."""
    repository = repository or call.repository
    short = ref.removeprefix("refs/").removeprefix("heads/")
    parts = short.split("/")
    if parts[0] == "pull" and parts[1:2] and parts[1].isdigit() and int(parts[1]) in repository.pulls:
        short = repository.pulls[int(parts[1])].head
    commit = call.state.objects.commits.get(repository.branches.get(short, short))
    if commit is None:
        raise Refusal(422, f"No commit found for SHA: {ref}")
    return commit


@endpoint("repos/get-commit", "contents=read")
def _commit(call: Call) -> Answer:
    commit = resolve(call, call.path["ref"])
    before = call.state.objects.commits[commit.parents[0]].files if commit.parents else {}
    found = changes(before, commit.files)
    plus, minus = sum(change.additions for change in found), sum(change.deletions for change in found)
    part, headers = call.page(found, 3000)
    body = {
        **call.shapes.commit(call.repository, commit),
        "stats": {"additions": plus, "deletions": minus, "total": plus + minus},
        "files": [call.shapes.change(call.repository, change, commit.sha) for change in part],
    }
    return Answer(200, body, headers)


@endpoint("git/get-commit", "contents=read")
def _git_commit(call: Call) -> Answer:
    commit = call.state.objects.commits.get(call.path["commit_sha"])
    if commit is None:
        raise Refusal(404, "Not Found")
    return Answer(200, call.shapes.git_commit(call.repository, commit))


@endpoint("git/get-blob", "contents=read")
def _blob(call: Call) -> Answer:
    sha = call.path["file_sha"]
    data = call.state.objects.blobs.get(sha)
    if data is None:
        raise Refusal(404, "Not Found")
    if len(data) > 100 * 2**20:
        raise Refusal(403, "This API returns blobs up to 100 MB in size.")
    url = f"{call.shapes.repo_url(call.repository)}/git/blobs/{sha}"
    content = base64.encodebytes(data).decode()
    return Answer(
        200,
        {
            "sha": sha,
            "node_id": node("Blob", sha),
            "size": len(data),
            "url": url,
            "content": content,
            "encoding": "base64",
        },
    )


@endpoint("git/get-tree", "contents=read")
def _tree(call: Call) -> Answer:
    wanted = call.path["tree_sha"]
    sha = wanted if wanted in call.state.objects.trees else resolve(call, wanted).tree
    entries = list(_entries(call, sha, "", recursive="recursive" in call.query))
    url = f"{call.shapes.repo_url(call.repository)}/git"
    shaped = []
    for path, entry in entries[:100_000]:
        item: dict[str, Any] = {"path": path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        if entry.type != "commit":
            item["url"] = f"{url}/{entry.type}s/{entry.sha}"
        if entry.type == "blob":
            item["size"] = len(call.state.objects.blobs[entry.sha])
        shaped.append(item)
    return Answer(200, {"sha": sha, "url": f"{url}/trees/{sha}", "tree": shaped, "truncated": len(entries) > 100_000})


def _entries(call: Call, sha: str, prefix: str, *, recursive: bool) -> list[tuple[str, Entry]]:
    found = []
    for name, entry in call.state.objects.trees[sha].items():
        found.append((prefix + name, entry))
        if recursive and entry.type == "tree":
            found += _entries(call, entry.sha, f"{prefix}{name}/", recursive=True)
    return found


@endpoint("repos/get-content", "contents=read")
def _contents(call: Call) -> Answer:
    path = call.path["path"].strip("/")
    try:
        commit = resolve(call, call.query.get("ref", call.repository.default_branch))
    except Refusal:
        raise Refusal(404, f"No commit found for the ref {call.query['ref']}") from None
    files = commit.files
    content = files.get(path)
    if isinstance(content, Link):
        aim = files.get(posixpath.normpath(posixpath.join(posixpath.dirname(path), content.target)))
        # GitHub follows a link to a file of the repository, and shows any other link as one.
        content = aim if isinstance(aim, bytes) else content
    if content is not None:
        return Answer(200, _content(call, path, content, commit.sha, whole=True))
    below = f"{path}/" if path else ""
    names = {file[len(below) :].split("/")[0] for file in files if file.startswith(below)}
    if not names:
        raise Refusal(404, "Not Found")
    return Answer(200, [_listed(call, below + name, commit) for name in sorted(names)])


def _listed(call: Call, path: str, commit: Commit) -> dict[str, Any]:
    content = commit.files.get(path)
    if content is not None:
        shaped = _content(call, path, content, commit.sha, whole=False)
        # So the API does, for clients of before submodules.
        return {**shaped, "type": "file"} if isinstance(content, Submodule) else shaped
    sha = commit.tree
    for part in path.split("/"):
        sha = call.state.objects.trees[sha][part].sha
    return _located(call, path, commit.sha, sha, "dir", 0)


def _located(call: Call, path: str, ref: str, sha: str, kind: str, size: int) -> dict[str, Any]:
    url = call.shapes.repo_url(call.repository)
    page = f"{call.shapes.web}/{call.repository.full_name}"
    at = f"{url}/contents/{quote(path)}?ref={ref}"
    git = f"{url}/git/{'trees' if kind in ('dir', 'submodule') else 'blobs'}/{sha}"
    html = f"{page}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{quote(path)}"
    return {
        "type": kind,
        "size": size,
        "name": posixpath.basename(path),
        "path": path,
        "sha": sha,
        "url": at,
        "git_url": git,
        "html_url": html,
        "download_url": None if kind in ("dir", "submodule") else f"{page}/raw/{ref}/{quote(path)}",
        "_links": {"self": at, "git": git, "html": html},
    }


def _content(call: Call, path: str, content: Content, ref: str, *, whole: bool) -> dict[str, Any]:
    match content:
        case Submodule(sha, url):
            return {**_located(call, path, ref, sha, "submodule", 0), "submodule_git_url": url}
        case Link(target):
            shaped = _located(call, path, ref, blob_sha(target.encode()), "symlink", len(target.encode()))
            return {**shaped, "target": target} if whole else shaped
    shaped = _located(call, path, ref, blob_sha(content), "file", len(content))
    if not whole:
        return shaped
    if len(content) > 100 * 2**20:
        raise Refusal(403, "This API returns blobs up to 100 MB in size.")
    if len(content) > 2**20:
        return {**shaped, "encoding": "none", "content": ""}
    return {**shaped, "encoding": "base64", "content": base64.encodebytes(content).decode()}
