"""What breaks the contract is found, on both sides, and fails the test that did it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import github
import pytest
import requests

from github_server import GitHubServer
from github_server.clients import ALL, repository
from github_server.contract import DESCRIPTION, Contract
from github_server.data.prune import OPERATIONS, prune
from github_server.routing import ENDPOINTS, Endpoint

TWO_TESTS = """
import requests

def test_good(server):
    assert requests.get(server.base_url + "/rate_limit", timeout=10).status_code == 401

def test_bad(server):
    requests.get(server.base_url + "/rate_limits", timeout=10)
"""
REPO = "/repos/octo-org/pipelines"


@pytest.fixture
def loose() -> Any:
    """A server whose violations are looked at here."""
    with GitHubServer() as github:
        yield github


def ask(server: GitHubServer, method: str, path: str, body: object = None) -> requests.Response:
    headers = {"Authorization": f"token {server.token(**ALL)}"}
    return requests.request(method, server.base_url + path, json=body, headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("method", "path", "body", "problem"),
    [
        ("GET", f"{REPO}/branches", None, "no such operation"),
        ("PUT", f"{REPO}/pulls/1", {}, "no such operation"),
        ("GET", f"{REPO}/pulls/one", None, "path parameter pull_number: 'one' is not of type 'integer'"),
        ("GET", f"{REPO}/pulls?state=opened", None, "query parameter state: 'opened' is not one of"),
        ("GET", f"{REPO}/pulls?heads=a:b", None, "query parameter heads is unknown"),
        ("POST", f"{REPO}/issues/1/comments", None, "the body is missing"),
        ("POST", f"{REPO}/issues/1/comments", {"text": "x"}, "'body' is a required property"),
        ("POST", f"{REPO}/issues/1/comments", {"body": ["x"]}, "$.body: ['x'] is not of type 'string'"),
        ("POST", f"{REPO}/issues/1/comments", {"body": "x", "bdy": "y"}, "body.bdy is unknown"),
        ("POST", f"{REPO}/check-runs", {"name": "x"}, "'head_sha' is a required property"),
        ("PATCH", f"{REPO}/check-runs/1", {"status": "completed"}, "$.status: 'completed' is not one of"),
        ("PATCH", f"{REPO}/check-runs/1", {"output": {"summary": "s", "annotation": []}}, "annotation is unknown"),
        (
            "PATCH",
            f"{REPO}/check-runs/1",
            {"output": {"summary": "s" * 65_536}},
            "$.output.summary: it breaks maxLength 65535",
        ),
        ("PATCH", f"{REPO}/check-runs/1", {"output": {"summary": "s", "annotations": [{}] * 51}}, "annotations"),
        ("PATCH", f"{REPO}/check-runs/1", {"completed_at": "yesterday", "conclusion": "success"}, "'date-time'"),
        ("DELETE", f"{REPO}/issues/comments/1", {"body": "x"}, "takes no body"),
        ("POST", f"{REPO}/pulls/1/reviews", {"event": "APPROVED"}, "'APPROVED' is not one of"),
    ],
)
def test_a_request_that_breaks_it(loose: GitHubServer, method: str, path: str, body: object, problem: str) -> None:
    loose.pull_request({"a.py": b"a\n"})
    answer = ask(loose, method, path, body)
    assert answer.status_code in (404, 422)
    assert any(problem in violation for violation in loose.violations), loose.violations
    assert all(violation.startswith(f"client: {method} ") for violation in loose.violations)


def _without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.pop(name)


@pytest.mark.parametrize(
    ("path", "spoil"),
    [
        (f"{REPO}", _without("default_branch")),
        (f"{REPO}/pulls/1", _without("mergeable_state")),
        (f"{REPO}/pulls/1", lambda body: body["head"].update(sha=None)),
        (f"{REPO}/pulls/1", lambda body: body["head"]["repo"]["owner"].update(id="1")),
        (f"{REPO}/pulls/1", lambda body: body.update(created_at="yesterday")),
        (f"{REPO}/pulls/1", lambda body: body.update(url="pulls/1")),
        (f"{REPO}/pulls/1/files", lambda body: body[0].update(status="new")),
        (f"{REPO}/contents/a.py?ref=patch-1", _without("encoding")),
        (f"{REPO}/commits/main", lambda body: body["parents"].append({})),
    ],
)
def test_an_answer_that_breaks_it(
    loose: GitHubServer, monkeypatch: pytest.MonkeyPatch, path: str, spoil: Callable[[Any], None]
) -> None:
    loose.pull_request({"a.py": b"a\n"}, fork=False)
    assert ask(loose, "GET", path).status_code == 200
    assert loose.violations == []
    operation, _ = loose.contract.find("GET", path.partition("?")[0]) or pytest.fail(path)
    endpoint = ENDPOINTS[operation.id]

    def spoilt(call: Any) -> Any:
        answer = endpoint.handle(call)
        spoil(answer.body)
        return answer

    monkeypatch.setitem(ENDPOINTS, operation.id, Endpoint(spoilt, endpoint.needs))
    ask(loose, "GET", path)
    assert [violation.split(":")[0] for violation in loose.violations] == ["server"]


def test_the_description_is_pruned_as_told() -> None:
    vendored = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    version = vendored["info"]["x-pruned-from"].removeprefix("@octokit/openapi ")
    assert prune(vendored, version) == vendored
    assert {path: " ".join(sorted(methods)) for path, methods in vendored["paths"].items()} == {
        path: " ".join(sorted(methods.split())) for path, methods in OPERATIONS.items()
    }


def test_a_mistake_in_a_callback_is_no_fault(loose: GitHubServer) -> None:
    loose.pull_request({"a.py": b"a\n"})
    loose.on("GET", "/pulls", lambda request: 1 / 0)
    assert ask(loose, "GET", f"{REPO}/pulls").status_code == 500
    assert "ZeroDivisionError" in loose.violations[0]


def test_an_undocumented_status_breaks_it() -> None:
    contract = Contract.vendored()
    operation, _ = contract.find("POST", f"{REPO}/check-runs") or pytest.fail("not found")
    assert contract.answer_problems(operation, 200, "application/json", {}) == ["status 200 is not documented"]
    assert contract.answer_problems(operation, 403, "application/json", {"message": "no"}) == []
    assert contract.answer_problems(operation, 403, "application/json", {"message": 1})


def test_a_violation_fails_the_test_that_did_it(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from github_server.fixtures import server\n", encoding="utf-8")
    (tmp_path / "test_two.py").write_text(TWO_TESTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "ERROR test_two.py::test_bad - AssertionError: client: GET /rate_limits: no such operation" in done.stdout


@pytest.mark.parametrize(
    ("missing", "needs"),
    [("pull_requests", "pull_requests=read"), ("checks", "checks=write"), ("contents", "contents=read")],
)
def test_a_missing_permission(server: GitHubServer, missing: str, needs: str) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    repo = repository(server, **{name: level for name, level in ALL.items() if name != missing})
    calls: dict[str, Callable[[], object]] = {
        "pull_requests": lambda: repo.get_pull(pull.number),
        "checks": lambda: repo.create_check_run("x", pull.head),
        "contents": lambda: repo.get_contents("README.md"),
    }
    with pytest.raises(github.GithubException, match="Resource not accessible by integration") as caught:
        calls[missing]()
    assert caught.value.status == 403
    assert caught.value.headers is not None
    assert caught.value.headers["x-accepted-github-permissions"] == needs


def test_either_permission_is_enough_to_comment(server: GitHubServer) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    repository(server, pull_requests="write").get_pull(pull.number).create_issue_comment("x")
    read_only = repository(server, pull_requests="read").get_pull(pull.number)
    with pytest.raises(github.GithubException) as caught:
        read_only.create_issue_comment("x")
    assert caught.value.headers is not None
    assert caught.value.headers["x-accepted-github-permissions"] == "issues=write; pull_requests=write"


def test_a_revoked_token(server: GitHubServer) -> None:
    token = server.token(**ALL)
    server.revoke(token)
    answer = requests.get(f"{server.base_url}{REPO}", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_the_storage_of_artifacts_refuses_tokens(loose: GitHubServer) -> None:
    artifact = loose.add_artifact(loose.add_run(loose.pull_request({"a.py": b"a\n"})), "result", b"zip")
    moved = requests.get(
        f"{loose.base_url}{REPO}/actions/artifacts/{artifact.id}/zip",
        headers={"Authorization": f"token {loose.token(**ALL)}"},
        allow_redirects=False,
        timeout=10,
    )
    refused = requests.get(moved.headers["Location"], headers={"Authorization": "token x"}, timeout=10)
    assert refused.status_code == 401
    assert loose.violations == [f"client: GET /artifacts/{artifact.id}.zip: the storage of artifacts was sent a token"]
    artifact.expired = True
    assert ask(loose, "GET", f"{REPO}/actions/artifacts/{artifact.id}/zip").status_code == 410


def test_pages(server: GitHubServer) -> None:
    files = {f"dir/{number:04}.py": b"a\n" for number in range(3005)}
    pull = server.pull_request(files)
    first = ask(server, "GET", f"{REPO}/pulls/{pull.number}/files?per_page=200")
    assert len(first.json()) == 100
    assert set(first.links) == {"next", "last"}
    last = requests.get(
        first.links["last"]["url"], headers={"Authorization": f"token {server.token(**ALL)}"}, timeout=10
    )
    assert set(last.links) == {"prev", "first"}
    assert last.json()[-1]["filename"] == "dir/2999.py"
    assert len(ask(server, "GET", f"{REPO}/pulls/{pull.number}/files").json()) == 30
    assert len(ask(server, "GET", f"{REPO}/compare/main...{pull.head}").json()["files"]) == 300


def test_enterprise_has_a_prefix() -> None:
    with GitHubServer(prefix="/api/v3") as server:
        pull = server.pull_request({"a.py": b"a\n"})
        found = repository(server).get_pull(pull.number)
        found.create_issue_comment("x").edit("y")
        assert [comment.body for comment in found.get_issue_comments()] == ["y"]
        assert server.violations == []


def test_the_log(server: GitHubServer) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    repository(server).get_pull(pull.number).create_issue_comment("x")
    (write,) = server.writes()
    assert (write.method, write.path, write.body, write.login, write.operation, write.status) == (
        "POST",
        f"{REPO}/issues/1/comments",
        {"body": "x"},
        "github-actions[bot]",
        "issues/create-comment",
        201,
    )
