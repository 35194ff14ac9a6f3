"""Repositories: what they are, their refs and commits, their trees, their files."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from hub_server import shapes
from hub_server.model import Link, Stored, object_id, size_of
from hub_server.routing import Call, Refusal, endpoint
from loopback import Answer


@endpoint("GET", "/api/{kind}/{repo}", query="expand blobs securityStatus")
def info(call: Call) -> Answer:
    repo = call.repo
    return Answer(200, shapes.repo(call.state, repo, call.commit(repo)))


@endpoint("GET", "/api/{kind}/{repo}/revision/{revision}", query="expand blobs securityStatus")
def info_at(call: Call) -> Answer:
    return info(call)


@endpoint("GET", "/api/{kind}/{repo}/refs", query="include_prs")
def refs(call: Call) -> Answer:
    repo = call.repo
    found: dict[str, list[dict[str, Any]]] = {"branches": [], "tags": [], "converts": []}
    if call.query.get("include_prs") == "1":
        found["pullRequests"] = []
    for ref, sha in repo.refs.items():
        for prefix, group in (("refs/heads/", "branches"), ("refs/tags/", "tags"), ("refs/pr/", "pullRequests")):
            if ref.startswith(prefix) and group in found:
                found[group].append({"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": sha})
    return Answer(200, found)


@endpoint("GET", "/api/{kind}/{repo}/commits/{revision}", query="p limit")
def commits(call: Call) -> Answer:
    repo = call.repo
    found, at = [], call.commit(repo)
    while True:
        author = {"user": at.author, "avatar": ""}
        found.append({"id": at.sha, "title": at.title, "message": "", "authors": [author], "date": at.created})
        if at.parent is None:
            return Answer(200, found, {"X-Total-Count": str(len(found))})
        at = repo.commits[at.parent]


@endpoint("GET", "/api/{kind}/{repo}/tree/{revision}(?:/{path})?", query="recursive expand cursor limit")
def tree(call: Call) -> Answer:
    repo = call.repo
    entries = shapes.tree(call.commit(repo))
    under = call.path.get("path", "")
    if under:
        entries = [entry for entry in entries if entry["path"].startswith(f"{under}/")]
        if not entries:
            raise Refusal(404, f"{under} does not exist", "EntryNotFound")
    if call.query.get("recursive", "False").lower() != "true":
        depth = under.count("/") + 1 if under else 0
        entries = [entry for entry in entries if entry["path"].count("/") == depth]
    first = int(call.query.get("cursor", "0"))
    last = first + call.state.tree_page
    headers = {}
    if last < len(entries):
        query = urlencode({**call.query, "cursor": last})
        headers["Link"] = f'<{call.url.partition("?")[0]}?{query}>; rel="next"'
    return Answer(200, entries[first:last], headers)


@endpoint("GET", "/{kind/}{repo}/resolve/{revision}/{path}", query="download")
def resolve(call: Call) -> Answer:
    """A file. HEAD comes here too; a large file lies elsewhere, and what is said of it is on the redirect."""
    repo = call.repo
    commit = call.commit(repo)
    if repo.gated and not call.state.may_write(repo, call.login) and call.login not in repo.granted:
        status = 403 if call.login else 401
        raise Refusal(status, f"Access to {repo.type} {repo.name} is restricted", "GatedRepo")
    found = commit.files.get(call.path["path"])
    if found is None:
        raise Refusal(404, "Entry not found", "EntryNotFound", X_Repo_Commit=commit.sha)
    headers = {"X-Repo-Commit": commit.sha, "ETag": f'"{object_id(found)}"', "Accept-Ranges": "bytes"}
    if isinstance(found, Stored):
        headers |= {"X-Linked-Size": str(found.size), "X-Linked-ETag": f'"{object_id(found)}{"0" * 24}"'}
        return Answer(302, "", headers | {"Location": "https://cdn.example/stored"})
    data = found.target.encode() if isinstance(found, Link) else found
    return Answer(200, data, headers | {"Content-Length": str(size_of(found))})
