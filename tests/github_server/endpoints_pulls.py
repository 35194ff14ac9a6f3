"""PRs: lists, files, comparisons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from github_server.endpoints_issues import shaped_labels
from github_server.endpoints_repository import resolve
from github_server.git import Change, changes
from github_server.model import PullRequest, Repository, State
from github_server.routing import Answer, Call, Refusal, endpoint

_LINKS = ("comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self")


def files_of(state: State, repository: Repository, pull: PullRequest) -> list[Change]:
    """What a PR changes: its head against where it left the base branch."""
    commits = state.objects.commits
    start = state.objects.merge_base(pull.head, repository.branches[pull.base_branch])
    return changes(commits[start].files if start else {}, commits[pull.head].files)


def _side(call: Call, full_name: str, branch: str, sha: str) -> dict[str, Any]:
    owner, repository = full_name.partition("/")[0], call.state.repositories.get(full_name)
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": call.shapes.user(owner),
        "repo": call.shapes.repository(repository) if repository else None,
    }


def pull_simple(call: Call, pull: PullRequest) -> dict[str, Any]:
    """A PR as lists have it."""
    repository = call.repository
    api, page = call.shapes.repo_url(repository), f"{call.shapes.web}/{repository.full_name}/pull/{pull.number}"
    urls = {
        "self": f"{api}/pulls/{pull.number}",
        "html": page,
        "issue": f"{api}/issues/{pull.number}",
        "comments": f"{api}/issues/{pull.number}/comments",
        "commits": f"{api}/pulls/{pull.number}/commits",
        "statuses": f"{api}/statuses/{pull.head}",
        "review_comments": f"{api}/pulls/{pull.number}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
    }
    return {
        "id": pull.id,
        "node_id": f"PR_{pull.id}",
        "number": pull.number,
        "url": urls["self"],
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        **{f"{name}_url": url for name, url in urls.items() if name != "self"},
        "_links": {name: {"href": urls[name]} for name in _LINKS},
        "state": pull.state,
        "locked": False,
        "draft": pull.draft,
        "title": pull.title,
        "body": pull.body,
        "user": call.shapes.user(pull.author),
        "labels": shaped_labels(call, pull.labels),
        **dict.fromkeys(("assignee", "milestone", "merged_at", "merge_commit_sha", "auto_merge")),
        **{name: [] for name in ("assignees", "requested_reviewers", "requested_teams")},
        "created_at": pull.created,
        "updated_at": pull.updated,
        "closed_at": pull.updated if pull.state == "closed" else None,
        "author_association": call.shapes.association(repository, pull.author),
        "head": _side(call, pull.head_repository, pull.head_branch, pull.head),
        "base": _side(call, repository.full_name, pull.base_branch, pull.base),
    }


def _pull_whole(call: Call, pull: PullRequest) -> dict[str, Any]:
    found = files_of(call.state, call.repository, pull)
    base = set(call.state.objects.ancestors(pull.base))
    comments = [c for c in call.repository.comments.values() if c.number == pull.number]
    review_comments = [c for c in call.repository.review_comments.values() if c.number == pull.number]
    return {
        **pull_simple(call, pull),
        "additions": sum(change.additions for change in found),
        "deletions": sum(change.deletions for change in found),
        "changed_files": len(found),
        "comments": len(comments),
        "review_comments": len(review_comments),
        "commits": len([sha for sha in call.state.objects.ancestors(pull.head) if sha not in base]),
        "mergeable": True,
        "rebaseable": True,
        "mergeable_state": "clean",
        "merged": False,
        "merged_by": None,
        "maintainer_can_modify": pull.head_repository != call.repository.full_name,
    }


@endpoint("pulls/list", "pull_requests=read")
def _list(call: Call) -> Answer:
    state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")

    def wanted(pull: PullRequest) -> bool:
        label = f"{pull.head_repository.partition('/')[0]}:{pull.head_branch}"
        return (
            state in ("all", pull.state)
            # As in the real GitHub, a head without its owner filters nothing.
            and (not head or ":" not in head or head.lower() == label.lower())
            and base in (None, pull.base_branch)
        )

    key = {"updated": "updated", "created": "number"}.get(call.query.get("sort", "created"), "number")
    newest = call.query.get("direction", "desc" if key == "number" else "asc") == "desc"
    found = sorted(filter(wanted, call.repository.pulls.values()), key=lambda p: getattr(p, key), reverse=newest)
    return call.listing(found, lambda pull: pull_simple(call, pull))


@endpoint("pulls/get", "pull_requests=read")
def _get(call: Call) -> Answer:
    return Answer(200, _pull_whole(call, call.pull()))


@endpoint("issues/get", "issues=read; pull_requests=read")
def _issue(call: Call) -> Answer:
    pull = call.pull("issue_number")
    whole = _pull_whole(call, pull)
    shared = (
        "number state locked draft title body user labels assignee assignees milestone comments comments_url html_url "
        "author_association created_at updated_at closed_at"
    )
    repository = call.shapes.repo_url(call.repository)
    url = f"{repository}/issues/{pull.number}"
    links = {name: whole[name] for name in ("url", "html_url", "diff_url", "patch_url")}
    body = {
        **{name: whole[name] for name in shared.split()},
        # An issue has an id of its own.
        "id": pull.id + 10**6,
        "node_id": whole["node_id"],
        "url": url,
        "repository_url": repository,
        "labels_url": f"{url}/labels{{/name}}",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "reactions": call.shapes.rollup(url),
        "pull_request": {**links, "merged_at": None},
    }
    return Answer(200, body)


@endpoint("pulls/list-files", "pull_requests=read")
def _files(call: Call) -> Answer:
    pull = call.pull()
    found = files_of(call.state, call.repository, pull)
    return call.listing(found, lambda change: call.shapes.change(call.repository, change, pull.head), limit=3000)


@endpoint("repos/list-pull-requests-associated-with-commit", "pull_requests=read,contents=read")
def _of_commit(call: Call) -> Answer:
    sha, repository = call.path["commit_sha"], call.repository
    if sha not in call.state.objects.commits:
        raise Refusal(422, f"No commit found for SHA: {sha}")
    found = [
        pull
        for pull in repository.pulls.values()
        if sha in call.state.objects.ancestors(pull.head)
        and sha not in call.state.objects.ancestors(repository.branches[pull.base_branch])
        and (pull.head_repository == repository.full_name or call.state.finds_forks_by_commit)
    ]
    return call.listing(found, lambda pull: pull_simple(call, pull))


@endpoint("repos/compare-commits-with-basehead", "contents=read")
def _compare(call: Call) -> Answer:
    base_name, dots, head_name = call.path["basehead"].partition("...")
    if not dots:
        raise Refusal(404, "Not Found")
    base, head = (_end(call, name) for name in (base_name, head_name))
    objects, repository = call.state.objects, call.repository
    start = objects.merge_base(head, base)
    if start is None:
        raise Refusal(404, f"No common ancestor between {base_name} and {head_name}.")
    ahead, behind = _beyond(objects.ancestors(head), base, call), _beyond(objects.ancestors(base), head, call)
    status = "identical" if base == head else "diverged" if ahead and behind else "ahead" if ahead else "behind"
    part, headers = call.page(list(reversed(ahead)))
    page = f"{call.shapes.web}/{repository.full_name}/compare/{base}...{head}"
    found = changes(objects.commits[start].files, objects.commits[head].files)[:300]
    body = {
        "url": f"{call.shapes.repo_url(repository)}/compare/{base}...{head}",
        **{f"{name}_url": page for name in ("html", "permalink", "diff", "patch")},
        "base_commit": call.shapes.commit(repository, objects.commits[base]),
        "merge_base_commit": call.shapes.commit(repository, objects.commits[start]),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [call.shapes.commit(repository, objects.commits[sha]) for sha in part],
    }
    # Later pages hold commits only.
    if call.query.get("page", "1") == "1":
        body["files"] = [call.shapes.change(repository, change, head) for change in found]
    return Answer(200, body, headers)


def _beyond(history: Iterable[str], other: str, call: Call) -> list[str]:
    theirs = set(call.state.objects.ancestors(other))
    return [sha for sha in history if sha not in theirs]


def _end(call: Call, name: str) -> str:
    """A branch or sha, or OWNER:BRANCH or OWNER:REPOSITORY:BRANCH in the network."""
    owner, colon, rest = name.partition(":")
    repository = call.repository
    if colon:
        wanted, _, branch = rest.rpartition(":")
        full = f"{owner}/{wanted or repository.name}"
        if full not in call.state.repositories:
            raise Refusal(404, "Not Found")
        repository, name = call.state.repositories[full], branch
    try:
        return resolve(call, name, repository).sha
    except Refusal:
        raise Refusal(404, "Not Found") from None
