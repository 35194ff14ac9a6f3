"""Check runs and their annotations."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from github_server.endpoints_repository import resolve
from github_server.model import App, CheckRun
from github_server.routing import Answer, Call, Refusal, endpoint, find
from github_server.shapes import node

_MAX_TEXT = 65_535


def _check_run_json(call: Call, run: CheckRun) -> dict[str, Any]:
    url = f"{call.shapes.repo_url(call.repository)}/check-runs/{run.id}"
    page = f"{call.shapes.web}/{call.repository.full_name}/runs/{run.id}"
    return {
        "id": run.id,
        "node_id": node("CheckRun", run.id),
        "name": run.name,
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": page,
        "details_url": run.details_url or page,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": run.started,
        "completed_at": run.completed,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": _suite(run)},
        "app": call.shapes.app(run.app),
        "pull_requests": [],
    }


def _suite(run: CheckRun) -> int:
    """An app has one check suite for a commit."""
    return int(hashlib.sha1(f"{run.app.id} {run.head_sha}".encode()).hexdigest()[:8], 16)


def _invalid(message: str) -> Refusal:
    return Refusal(422, f"Invalid request.\n\n{message}")


def _check_output(output: dict[str, Any]) -> None:
    for name in ("summary", "text"):
        if len((output.get(name) or "").encode()) > _MAX_TEXT:
            raise _invalid(f"Only {_MAX_TEXT} characters are allowed; {name} is too long.")
    annotations = output.get("annotations") or []
    if len(annotations) > 50:
        raise _invalid(f"No more than 50 items are allowed; {len(annotations)} were supplied.")
    for annotation in annotations:
        _check_annotation(annotation)


def _check_annotation(annotation: dict[str, Any]) -> None:
    start, end = annotation["start_line"], annotation["end_line"]
    columns = [annotation[name] for name in ("start_column", "end_column") if name in annotation]
    if not annotation["path"] or annotation["path"].startswith(("/", "./")):
        raise _invalid("path must be relative to the root of the repository.")
    if not 1 <= start <= end:
        raise _invalid("start_line must be 1 or more, and no later than end_line.")
    if columns and (start != end or columns[0] > columns[-1] or min(columns) < 0):
        raise _invalid("Columns are only for annotations of one line, and start no later than they end.")
    if not annotation["message"] or len(annotation["message"].encode()) > 65_536:
        raise _invalid("message must be 1 to 64 KB.")
    if len(annotation.get("title") or "") > 255 or len((annotation.get("raw_details") or "").encode()) > 65_536:
        raise _invalid("title is limited to 255 characters, raw_details to 64 KB.")


def _apply(call: Call, run: CheckRun) -> None:
    """Take over the fields of a request; annotations are added to those before. Raises Refusal and changes nothing."""
    body, output = call.body, call.body.get("output")
    if body.get("status") == "completed" and "conclusion" not in body:
        raise _invalid("A completed check run needs a conclusion.")
    if output is not None:
        _check_output(output)
        run.title, run.summary = output.get("title", run.title), output["summary"]
        run.text = output.get("text", run.text)
        run.annotations += output.get("annotations") or []
    run.name = body.get("name", run.name)
    run.details_url = body.get("details_url", run.details_url)
    run.external_id = body.get("external_id", run.external_id)
    run.started = body.get("started_at", run.started or call.state.now())
    if "conclusion" in body:
        run.status, run.conclusion = "completed", body["conclusion"]
        run.completed = body.get("completed_at") or call.state.now()
    elif "status" in body:
        run.status, run.conclusion, run.completed = body["status"], None, None


@endpoint("checks/create", "checks=write")
def _create(call: Call) -> Answer:
    sha = call.body["head_sha"]
    if sha not in call.state.objects.commits:
        raise Refusal(422, f"No commit found for SHA: {sha}")
    run = CheckRun(call.state.next_id(), call.body["name"], sha, call.app())
    _apply(call, run)
    call.repository.check_runs[run.id] = run
    return Answer(201, _check_run_json(call, run))


@endpoint("checks/update", "checks=write")
def _update(call: Call) -> Answer:
    run, app = find(call.repository.check_runs, call.path["check_run_id"]), call.app()
    if run.app.id != app.id:
        message = f"Invalid app_id `{app.id}` - check run can only be modified by the GitHub App that created it."
        raise Refusal(403, message)
    _apply(call, run)
    return Answer(200, _check_run_json(call, run))


@endpoint("checks/get", "checks=read")
def _get(call: Call) -> Answer:
    return Answer(200, _check_run_json(call, find(call.repository.check_runs, call.path["check_run_id"])))


@endpoint("checks/list-for-ref", "checks=read")
def _list(call: Call) -> Answer:
    sha = resolve(call, call.path["ref"]).sha
    query = call.query
    latest: dict[tuple[str, int] | int, CheckRun] = {}
    for run in call.repository.check_runs.values():
        if (
            run.head_sha == sha
            and query.get("check_name") in (None, run.name)
            and query.get("app_id") in (None, str(run.app.id))
            and query.get("status") in (None, run.status)
        ):
            latest[run.id if query.get("filter") == "all" else _kind(run.name, run.app)] = run
    part, headers = call.page(sorted(latest.values(), key=lambda run: -run.id))
    shaped = [_check_run_json(call, run) for run in part]
    return Answer(200, {"total_count": len(latest), "check_runs": shaped}, headers)


def _kind(name: str, app: App) -> tuple[str, int]:
    return name, app.id


@endpoint("checks/list-annotations", "checks=read")
def _annotations(call: Call) -> Answer:
    run: CheckRun = find(call.repository.check_runs, call.path["check_run_id"])

    def shaped(annotation: dict[str, Any]) -> dict[str, Any]:
        path = annotation["path"]
        optional = ("title", "raw_details", "start_column", "end_column")
        href = f"{call.shapes.repo_url(call.repository)}/blob/{run.head_sha}/{quote(path)}"
        return {**dict.fromkeys(optional), **annotation, "blob_href": href}

    return call.listing(run.annotations, shaped)
