"""Jobs: starting, listing, looking, the log as server-sent events, cancelling."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from hub_server.model import Job
from hub_server.routing import Call, Refusal, endpoint
from loopback import Answer

# All that we ask for. Whatever else, `secrets` above all, is noted as a violation.
_SPEC = "command arguments environment flavor timeoutSeconds labels dockerImage"
# Linux takes no longer string into a process's environment.
_MAX_STRING = 131_072
_MAX_LABEL = 63
_FLAVORS = {"cpu-basic", "cpu-upgrade", "t4-small"}


@endpoint("POST", "/api/jobs/{namespace}", body=_SPEC)
def start(call: Call) -> Answer:
    namespace, spec = _namespace(call), call.body
    missing = [name for name in _SPEC.split() if name not in spec]
    if missing or not set(spec) <= set(_SPEC.split()):
        raise Refusal(400, f"Not what a Job is started by here: {sorted(spec)}")
    if spec["flavor"] not in _FLAVORS or not 0 < spec["timeoutSeconds"] <= 86_400 or not spec["command"]:
        raise Refusal(400, "Invalid flavor, timeout or command")
    if any(len(f"{name}={value}") >= _MAX_STRING for name, value in spec["environment"].items()):
        raise Refusal(400, "Argument list too long")
    if any(not value.isascii() or len(value) > _MAX_LABEL for pair in spec["labels"].items() for value in pair):
        raise Refusal(400, "Invalid label")
    job = Job(call.state.next_id(), namespace, spec, datetime.now(timezone.utc))
    call.state.jobs[job.id] = job
    threading.Thread(target=call.state.run_job, args=(job,), daemon=True).start()
    return Answer(200, _shape(call, job))


@endpoint("GET", "/api/jobs/{namespace}", query="label stage")
def listing(call: Call) -> Answer:
    namespace, query = _namespace(call), call.query
    name, _, value = query.get("label", "").partition("=")
    found = [
        job
        for job in reversed(call.state.jobs.values())
        if job.namespace == namespace
        and ("label" not in query or job.spec["labels"].get(name) == value)
        and query.get("stage", job.stage) == job.stage
    ]
    return Answer(200, [_shape(call, job) for job in found])


@endpoint("GET", "/api/jobs/{namespace}/{id}")
def look(call: Call) -> Answer:
    return Answer(200, _shape(call, _job(call)))


@endpoint("POST", "/api/jobs/{namespace}/{id}/cancel")
def cancel(call: Call) -> Answer:
    job = _job(call)
    job.end("CANCELED")
    return Answer(200, _shape(call, job))


@endpoint("GET", "/api/jobs/{namespace}/{id}/logs", query="tail")
def logs(call: Call) -> Answer:
    job = _job(call)
    stream = call.state.stream or whole
    return Answer(200, stream(job), {"Content-Type": "text/event-stream"})


def whole(job: Job) -> Iterator[bytes]:
    """A log from its beginning to what is there."""
    for line in ["===== Job started at 2026-01-01 00:00:00 =====", *job.log]:
        yield event(line)


def event(line: str) -> bytes:
    """A line of a log as the stream has it."""
    told = json.dumps({"data": line, "timestamp": "2026-01-01T00:00:00.000Z"})
    return f"event: log\ndata: {told}\n\n".encode()


def _namespace(call: Call) -> str:
    login, name = call.signed_in(), call.path["namespace"]
    if name != login and login not in call.state.user(name).members:
        raise Refusal(403, "You may not use Jobs in this namespace")
    return name


def _job(call: Call) -> Job:
    found = call.state.jobs.get(call.path["id"])
    if found is None or found.namespace != _namespace(call):
        raise Refusal(404, "Job not found")
    return found


def _shape(call: Call, job: Job) -> dict[str, Any]:
    owner = call.state.user(job.namespace)
    shape: dict[str, Any] = {name: job.spec[name] for name in ("command", "arguments", "environment", "flavor")}
    shape |= {"dockerImage": job.spec["dockerImage"], "labels": dict(job.spec["labels"]), "secrets": {}}
    shape |= {"id": job.id, "createdAt": job.created.isoformat().replace("+00:00", "Z"), "retry": 0}
    shape |= {"owner": {"id": owner.id, "name": owner.name, "type": owner.type}}
    shape |= {"initiator": {"type": "user", "id": owner.id, "name": call.login}}
    if job.finished is not None:
        shape["finishedAt"] = job.finished.isoformat().replace("+00:00", "Z")
    return shape | {"status": {"stage": job.stage, "message": job.message}}
