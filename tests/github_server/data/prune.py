"""Makes api.github.com.json here from GitHub's own description, as npm has it:

    npm pack @octokit/openapi@VERSION && tar xzf octokit-openapi-*.tgz
    python tests/github_server/data/prune.py package

Kept are the operations below with all that they refer to; left out is what validates nothing (descriptions, examples,
headers, links, `x-` fields). LICENSE is the package's.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

REPO = "/repos/{owner}/{repo}"
OPERATIONS = {
    "/user": "get",
    "/app": "get",
    "/app/installations/{installation_id}/access_tokens": "post",
    "/rate_limit": "get",
    REPO: "get",
    f"{REPO}/installation": "get",
    f"{REPO}/pulls": "get",
    f"{REPO}/pulls/{{pull_number}}": "get",
    f"{REPO}/pulls/{{pull_number}}/files": "get",
    f"{REPO}/pulls/{{pull_number}}/comments": "get post",
    f"{REPO}/pulls/{{pull_number}}/reviews": "get post",
    f"{REPO}/pulls/comments/{{comment_id}}": "get patch delete",
    f"{REPO}/compare/{{basehead}}": "get",
    f"{REPO}/commits/{{ref}}": "get",
    f"{REPO}/commits/{{ref}}/check-runs": "get",
    f"{REPO}/commits/{{commit_sha}}/pulls": "get",
    f"{REPO}/issues/{{issue_number}}": "get",
    f"{REPO}/issues/{{issue_number}}/comments": "get post",
    f"{REPO}/issues/{{issue_number}}/labels": "get post",
    f"{REPO}/issues/{{issue_number}}/labels/{{name}}": "delete",
    f"{REPO}/issues/comments/{{comment_id}}": "get patch delete",
    f"{REPO}/issues/comments/{{comment_id}}/reactions": "get post",
    f"{REPO}/issues/comments/{{comment_id}}/reactions/{{reaction_id}}": "delete",
    f"{REPO}/labels": "get post",
    f"{REPO}/check-runs": "post",
    f"{REPO}/check-runs/{{check_run_id}}": "get patch",
    f"{REPO}/check-runs/{{check_run_id}}/annotations": "get",
    f"{REPO}/contents/{{path}}": "get",
    f"{REPO}/git/blobs/{{file_sha}}": "get",
    f"{REPO}/git/trees/{{tree_sha}}": "get",
    f"{REPO}/git/commits/{{commit_sha}}": "get",
    f"{REPO}/actions/runs/{{run_id}}": "get",
    f"{REPO}/actions/runs/{{run_id}}/artifacts": "get",
    f"{REPO}/actions/runs/{{run_id}}/rerun": "post",
    f"{REPO}/actions/artifacts": "get",
    f"{REPO}/actions/artifacts/{{artifact_id}}": "get",
    f"{REPO}/actions/artifacts/{{artifact_id}}/{{archive_format}}": "get",
    f"{REPO}/actions/workflows/{{workflow_id}}": "get",
    f"{REPO}/actions/workflows/{{workflow_id}}/runs": "get",
    f"{REPO}/actions/workflows/{{workflow_id}}/dispatches": "post",
    f"{REPO}/collaborators/{{username}}/permission": "get",
}
_SCHEMA_DROPS = {"description", "example", "examples", "title", "externalDocs", "deprecated", "default"}
_DROPS = _SCHEMA_DROPS | {"headers", "links", "tags", "summary"}
_MAPS = {"properties", "schemas", "parameters", "responses", "content", "patternProperties"}


def without_prose(node: Any, names: bool = False) -> Any:
    """The node less what validates nothing; ``names`` says that its keys are names and none is to go."""
    if isinstance(node, list):
        return [without_prose(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_prose(value, names=not names and key in _MAPS)
        for key, value in node.items()
        if names or not (key in _DROPS or key.startswith("x-"))
    }


def references(node: Any) -> set[str]:
    """Every ``#/components/...`` that is referred to in a node."""
    return set(re.findall(r'"\$ref": ?"#/components/([^"]+)"', json.dumps(node)))


def prune(whole: dict[str, Any], version: str) -> dict[str, Any]:
    """The description of ``OPERATIONS`` alone; raises KeyError for an operation that is not described."""
    paths = {
        path: {method: without_prose(whole["paths"][path][method]) for method in methods.split()}
        for path, methods in OPERATIONS.items()
    }
    components: dict[str, dict[str, Any]] = {}
    wanted = references(paths) | {"schemas/basic-error"}
    while wanted:
        kind, name = wanted.pop().split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = without_prose(whole["components"][kind][name])
            wanted |= references(components[kind][name])
    info = {"title": whole["info"]["title"], "version": whole["info"]["version"]}
    info["license"], info["x-pruned-from"] = whole["info"]["license"], f"@octokit/openapi {version}"
    return {"openapi": whole["openapi"], "info": info, "paths": paths, "components": components}


def main(package: Path) -> None:
    here = Path(__file__).parent
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    whole = json.loads((package / "generated" / "api.github.com.json").read_text(encoding="utf-8"))
    text = json.dumps(prune(whole, version), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    (here / "api.github.com.json").write_text(text + "\n", encoding="utf-8")
    shutil.copyfile(package / "LICENSE", here / "LICENSE")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
