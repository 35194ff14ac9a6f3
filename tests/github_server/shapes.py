"""State as GitHub's JSON. Every URL is below the server's own, as PyGithub demands."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from github_server.git import Change, Commit
from github_server.model import App, Comment, Label, Reaction, Repository, State

CREATED = "2025-01-01T00:00:00Z"
_USER_URLS = "followers following gists starred subscriptions organizations repos events received_events"
_REPOSITORY_URLS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments "
    "downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels "
    "languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams "
    "trees"
)
_ZEROS = (
    "forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count network_count "
    "subscribers_count"
)
_REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")


def node(kind: str, number: object) -> str:
    return base64.b64encode(f"{kind}{number}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Shapes:
    """``api`` is the base URL of the API, ``web`` that of the pages, ``blobs`` that of the storage of artifacts."""

    state: State
    api: str
    web: str
    blobs: str

    def user(self, login: str) -> dict[str, Any]:
        user = self.state.user(login)
        url = f"{self.api}/users/{quote(login)}"
        return {
            "login": login,
            "id": user.id,
            "node_id": node("User", user.id),
            "avatar_url": f"{self.web}/avatars/{user.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.web}/{quote(login)}",
            "type": user.type,
            "site_admin": False,
            "user_view_type": "public",
            **{f"{name}_url": f"{url}/{name}" for name in _USER_URLS.split()},
        }

    def profile(self, login: str) -> dict[str, Any]:
        """The caller's own account."""
        nothing = "name company location email hireable bio"
        return {
            **self.user(login),
            **dict.fromkeys(nothing.split()),
            "blog": "",
            **dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0),
            "created_at": CREATED,
            "updated_at": CREATED,
        }

    def repo_url(self, repository: Repository) -> str:
        return f"{self.api}/repos/{repository.full_name}"

    def repository(self, repository: Repository) -> dict[str, Any]:
        url, page = self.repo_url(repository), f"{self.web}/{repository.full_name}"
        return {
            "id": repository.id,
            "node_id": node("Repository", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "owner": self.user(repository.owner),
            "private": repository.private,
            "visibility": "private" if repository.private else "public",
            "fork": repository.parent is not None,
            "url": url,
            "html_url": page,
            "default_branch": repository.default_branch,
            **dict.fromkeys(("description", "homepage", "language", "license", "mirror_url")),
            **dict.fromkeys(("archived", "disabled", "has_pages", "has_discussions", "is_template"), False),
            **dict.fromkeys(("has_downloads", "has_issues", "has_projects", "has_wiki"), True),
            **dict.fromkeys(_ZEROS.split(), 0),
            **dict.fromkeys(("created_at", "updated_at", "pushed_at"), CREATED),
            **{f"{name}_url": f"{url}/{name}" for name in _REPOSITORY_URLS.split()},
            **{f"{name}_url": f"{page}.git" for name in ("clone", "git", "ssh", "svn")},
        }

    def app(self, app: App) -> dict[str, Any]:
        return {
            "id": app.id,
            "slug": app.slug,
            "node_id": node("App", app.id),
            "owner": self.user("octo-org"),
            "name": app.name,
            "description": None,
            "external_url": "https://example.invalid/",
            "html_url": f"{self.web}/apps/{app.slug}",
            "created_at": CREATED,
            "updated_at": CREATED,
            "permissions": dict(app.permissions),
            "events": [],
        }

    def installation(self, app: App, repository: Repository) -> dict[str, Any]:
        url = f"{self.api}/app/installations/{app.installation}"
        return {
            "id": app.installation,
            "app_id": app.id,
            "app_slug": app.slug,
            "target_id": self.state.user(repository.owner).id,
            "target_type": "Organization",
            "account": self.user(repository.owner),
            "single_file_name": None,
            "repository_selection": "selected",
            "access_tokens_url": f"{url}/access_tokens",
            "html_url": f"{self.web}/settings/installations/{app.installation}",
            "repositories_url": f"{self.api}/installation/repositories",
            "permissions": dict(app.permissions),
            "events": [],
            "created_at": CREATED,
            "updated_at": CREATED,
            "suspended_by": None,
            "suspended_at": None,
        }

    def association(self, repository: Repository, login: str) -> str:
        if login == repository.owner:
            return "OWNER"
        return {"none": "NONE", "read": "NONE"}.get(repository.roles.get(login, "none"), "COLLABORATOR")

    def rollup(self, url: str, reactions: Iterable[Reaction] = ()) -> dict[str, Any]:
        contents = [reaction.content for reaction in reactions]
        counts = {name: contents.count(name) for name in _REACTIONS}
        return {"url": f"{url}/reactions", "total_count": len(contents), **counts}

    def reaction(self, reaction: Reaction) -> dict[str, Any]:
        return {
            "id": reaction.id,
            "node_id": node("Reaction", reaction.id),
            "user": self.user(reaction.user),
            "content": reaction.content,
            "created_at": reaction.created,
        }

    def comment(self, repository: Repository, comment: Comment) -> dict[str, Any]:
        url = f"{self.repo_url(repository)}/issues/comments/{comment.id}"
        return {
            "id": comment.id,
            "node_id": node("IssueComment", comment.id),
            "url": url,
            "html_url": f"{self.web}/{repository.full_name}/pull/{comment.number}#issuecomment-{comment.id}",
            "issue_url": f"{self.repo_url(repository)}/issues/{comment.number}",
            "user": self.user(comment.author),
            "created_at": comment.created,
            "updated_at": comment.updated,
            "author_association": self.association(repository, comment.author),
            "body": comment.body,
            "reactions": self.rollup(url, comment.reactions),
            "performed_via_github_app": self.app(comment.app) if comment.app else None,
        }

    def label(self, repository: Repository, label: Label) -> dict[str, Any]:
        return {
            "id": label.id,
            "node_id": node("Label", label.id),
            "url": f"{self.repo_url(repository)}/labels/{quote(label.name)}",
            "name": label.name,
            "description": label.description,
            "color": label.color,
            "default": False,
        }

    def change(self, repository: Repository, change: Change, head: str) -> dict[str, Any]:
        path = quote(change.path)
        page = f"{self.web}/{repository.full_name}"
        entry = {
            "sha": change.sha,
            "filename": change.path,
            "status": change.status,
            "additions": change.additions,
            "deletions": change.deletions,
            "changes": change.additions + change.deletions,
            "blob_url": f"{page}/blob/{head}/{path}",
            "raw_url": f"{page}/raw/{head}/{path}",
            "contents_url": f"{self.repo_url(repository)}/contents/{path}?ref={head}",
        }
        if change.patch is not None:
            entry["patch"] = change.patch
        return entry | ({"previous_filename": change.previous} if change.previous else {})

    def commit(self, repository: Repository, commit: Commit) -> dict[str, Any]:
        url = f"{self.repo_url(repository)}/commits/{commit.sha}"
        git = self.git_commit(repository, commit)
        parts = {key: git[key] for key in ("author", "committer", "message", "tree", "url", "verification")}
        return {
            "sha": commit.sha,
            "node_id": git["node_id"],
            "url": url,
            "html_url": git["html_url"],
            "comments_url": f"{url}/comments",
            "commit": {**parts, "comment_count": 0},
            "author": self.user(commit.author),
            "committer": self.user(commit.author),
            "parents": git["parents"],
        }

    def git_commit(self, repository: Repository, commit: Commit) -> dict[str, Any]:
        url, page = f"{self.repo_url(repository)}/git", f"{self.web}/{repository.full_name}/commit"
        who = {"name": commit.author, "email": f"{commit.author}@example.invalid", "date": commit.date}
        unsigned = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
        return {
            "sha": commit.sha,
            "node_id": node("Commit", commit.sha),
            "url": f"{url}/commits/{commit.sha}",
            "html_url": f"{page}/{commit.sha}",
            "author": who,
            "committer": who,
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{url}/trees/{commit.tree}"},
            "parents": [
                {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/{sha}"} for sha in commit.parents
            ],
            "verification": unsigned,
        }
