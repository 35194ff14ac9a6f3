"""The event that started a publishing job, as GitHub's runner hands it over in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cpipe_bot.github.client import CannotPublish

_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class JobDone:
    """A check job has ended, for this commit of this repository (`owner/name`) and branch."""

    head: str
    home: str
    branch: str


@dataclass(frozen=True, slots=True)
class GpuJobDone:
    """A GPU job has ended."""

    run: int


@dataclass(frozen=True, slots=True)
class Commented:
    """Somebody commented on a pull request."""

    number: int
    comment: int


Event = JobDone | GpuJobDone | Commented


def read(name: str, content: bytes) -> Event | None:
    """Return what an event's payload says, None when it is nothing to act on.

    Raises:
        CannotPublish: when it is not such a payload.
    """
    try:
        payload: Mapping[str, Any] = json.loads(content)
        match name:
            case "workflow_run":
                return _run(payload["workflow_run"])
            case "issue_comment":
                issue = payload["issue"]
                if "pull_request" not in issue or payload["action"] != "created":
                    return None
                return Commented(int(issue["number"]), int(payload["comment"]["id"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CannotPublish(f"the event's payload is not one of {name or 'GitHub'}: {type(error).__name__}") from error
    raise CannotPublish(f"the event {name!r} is neither workflow_run nor issue_comment; give --pull-request NUMBER")


def _run(run: Mapping[str, Any]) -> Event | None:
    if run["event"] == "workflow_dispatch":
        return GpuJobDone(int(run["id"]))
    if run["event"] != "pull_request" or not _SHA.fullmatch(run["head_sha"]):
        return None
    # A fork that was deleted meanwhile.
    if run["head_repository"] is None:
        return None
    return JobDone(run["head_sha"], str(run["head_repository"]["full_name"]), str(run["head_branch"]))
