"""Workflow runs, artifacts and dispatches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from github_server.endpoints_repository import resolve
from github_server.model import Artifact, Dispatch, WorkflowRun
from github_server.routing import Answer, Call, Refusal, endpoint, find
from github_server.shapes import CREATED, node

_READ, _WRITE = "actions=read", "actions=write"


def _run_json(call: Call, run: WorkflowRun) -> dict[str, Any]:
    url = f"{call.shapes.repo_url(call.repository)}/actions/runs/{run.id}"
    commit = call.state.objects.commits[run.head_sha]
    who = {"name": commit.author, "email": f"{commit.author}@example.invalid"}
    head = call.state.repositories.get(run.head_repository)
    small = {"id": run.head_sha, "tree_id": commit.tree, "message": commit.message, "timestamp": commit.date}
    links = ("jobs", "logs", "cancel", "rerun", "artifacts")
    return {
        "id": run.id,
        "node_id": node("WorkflowRun", run.id),
        "name": run.name,
        "path": f".github/workflows/{run.name}.yml",
        "display_title": run.name,
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "head_commit": {**small, "author": who, "committer": who},
        "run_number": run.id,
        "run_attempt": run.attempt,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": run.workflow,
        "workflow_url": f"{call.shapes.repo_url(call.repository)}/actions/workflows/{run.workflow}",
        "check_suite_url": f"{call.shapes.repo_url(call.repository)}/check-suites/{run.id}",
        "url": url,
        "html_url": f"{call.shapes.web}/{call.repository.full_name}/actions/runs/{run.id}",
        # Empty for forks in the real GitHub; clients that rely on it break there.
        "pull_requests": [],
        "actor": call.shapes.user(run.actor),
        "triggering_actor": call.shapes.user(run.actor),
        "created_at": run.created,
        "run_started_at": run.created,
        "updated_at": run.created,
        "head_repository": call.shapes.repository(head) if head else None,
        "repository": call.shapes.repository(call.repository),
        **{f"{link}_url": f"{url}/{link}" for link in links},
    }


def _artifact_json(call: Call, artifact: Artifact) -> dict[str, Any]:
    url = f"{call.shapes.repo_url(call.repository)}/actions/artifacts/{artifact.id}"
    run = call.repository.runs[artifact.run]
    head = call.state.repositories.get(run.head_repository)
    origin = {
        "id": run.id,
        "repository_id": call.repository.id,
        **({"head_repository_id": head.id} if head else {}),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
    }
    return {
        "id": artifact.id,
        "node_id": node("Artifact", artifact.id),
        "name": artifact.name,
        "size_in_bytes": len(artifact.data) if artifact.size is None else artifact.size,
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": artifact.expired,
        "digest": f"sha256:{hashlib.sha256(artifact.data).hexdigest()}",
        "created_at": artifact.created,
        "updated_at": artifact.created,
        "expires_at": "2036-01-01T00:00:00Z",
        "workflow_run": origin,
    }


@endpoint("actions/get-workflow-run", _READ)
def _run(call: Call) -> Answer:
    return Answer(200, _run_json(call, find(call.repository.runs, call.path["run_id"])))


def _artifacts(call: Call, found: Iterable[Artifact]) -> Answer:
    wanted = call.query.get("name")
    chosen = sorted((a for a in found if wanted in (None, a.name)), key=lambda artifact: -artifact.id)
    part, headers = call.page(chosen)
    shaped = [_artifact_json(call, artifact) for artifact in part]
    return Answer(200, {"total_count": len(chosen), "artifacts": shaped}, headers)


@endpoint("actions/list-workflow-run-artifacts", _READ)
def _of_run(call: Call) -> Answer:
    run: WorkflowRun = find(call.repository.runs, call.path["run_id"])
    return _artifacts(call, [a for a in call.repository.artifacts.values() if a.run == run.id])


@endpoint("actions/list-artifacts-for-repo", _READ)
def _of_repository(call: Call) -> Answer:
    return _artifacts(call, call.repository.artifacts.values())


@endpoint("actions/get-artifact", _READ)
def _artifact(call: Call) -> Answer:
    found = find(call.repository.artifacts, call.path["artifact_id"])
    return Answer(200, _artifact_json(call, found))


@endpoint("actions/download-artifact", _READ)
def _download(call: Call) -> Answer:
    if call.path["archive_format"] != "zip":
        raise Refusal(404, "Not Found")
    artifact: Artifact = find(call.repository.artifacts, call.path["artifact_id"])
    if artifact.expired:
        raise Refusal(410, "Artifact has expired")
    return Answer(302, None, {"Location": f"{call.shapes.blobs}/artifacts/{artifact.id}.zip?sig=once&se=soon"})


def _workflow(call: Call) -> tuple[int, str]:
    """The workflow of the path, which has its id or its file's name; raises Refusal for none."""
    wanted = call.path["workflow_id"]
    for number, name in call.repository.workflows.items():
        if wanted in (str(number), f"{name}.yml"):
            return number, name
    raise Refusal(404, "Not Found")


@endpoint("actions/get-workflow", _READ)
def _get_workflow(call: Call) -> Answer:
    number, name = _workflow(call)
    path, page = f".github/workflows/{name}.yml", f"{call.shapes.web}/{call.repository.full_name}"
    body = {
        "id": number,
        "node_id": node("Workflow", number),
        "name": name,
        "path": path,
        "state": "active",
        "url": f"{call.shapes.repo_url(call.repository)}/actions/workflows/{number}",
        "html_url": f"{page}/blob/main/{path}",
        "badge_url": f"{page}/workflows/{name}/badge.svg",
        "created_at": CREATED,
        "updated_at": CREATED,
    }
    return Answer(200, body)


@endpoint("actions/list-workflow-runs", _READ)
def _runs(call: Call) -> Answer:
    (workflow, _), query = _workflow(call), call.query

    def wanted(run: WorkflowRun) -> bool:
        return (
            workflow == run.workflow
            and query.get("head_sha") in (None, run.head_sha)
            and query.get("branch") in (None, run.head_branch)
            and query.get("event") in (None, run.event)
            and query.get("actor") in (None, run.actor)
            and query.get("status") in (None, run.status, run.conclusion)
        )

    chosen = sorted(filter(wanted, call.repository.runs.values()), key=lambda run: -run.id)
    part, headers = call.page(chosen)
    shaped = [_run_json(call, run) for run in part]
    return Answer(200, {"total_count": len(chosen), "workflow_runs": shaped}, headers)


@endpoint("actions/re-run-workflow", _WRITE)
def _rerun(call: Call) -> Answer:
    run: WorkflowRun = find(call.repository.runs, call.path["run_id"])
    if run.status != "completed":
        raise Refusal(403, "This workflow is already running")
    run.status, run.conclusion, run.attempt = "queued", None, run.attempt + 1
    return Answer(201, {})


@endpoint("actions/create-workflow-dispatch", _WRITE)
def _dispatch(call: Call) -> Answer:
    ref, name = call.body["ref"], _workflow(call)[1]
    try:
        resolve(call, ref)
    except Refusal:
        raise Refusal(422, f"No ref found for: {ref}") from None
    call.repository.dispatches.append(Dispatch(name, ref, call.body.get("inputs", {})))
    return Answer(204)
