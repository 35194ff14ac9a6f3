"""Commands in comments: who may, what is answered, and what is done once."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.publishing import FAILED, GOOD, MOVED, PATH, RAN, Scene, archive, report_of, scene
from cpipe_bot.commands import parse
from cpipe_bot.github.client import CannotPublish
from cpipe_bot.github.events import Commented, GpuJobDone, JobDone, read
from cpipe_bot.github.run import handle
from github_server import GitHubServer
from github_server.model import Comment


@pytest.mark.parametrize(
    ("body", "kind", "argument"),
    [
        ("/cpipe-check", "again", ""),
        ("  /cpipe-check  \n\nplease", "again", ""),
        ("/cpipe-check again", "again", ""),
        ("/cpipe-check GPU", "gpu", ""),
        ("/cpipe-check explain CP301", "explain", "CP301"),
        ("/cpipe-check explain", "unknown", ""),
        ("/cpipe-check fix", "fix", ""),
        ("/cpipe-check dance", "unknown", ""),
        ("/cpipe-check fix everything", "unknown", ""),
    ],
)
def test_a_command(body: str, kind: str, argument: str) -> None:
    found = parse("1", "", "x", datetime.now(), body)
    assert found is not None
    assert (found.kind, found.argument) == (kind, argument)


@pytest.mark.parametrize(
    "body", ["", "\n", "hello /cpipe-check", "> /cpipe-check", "/cpipe-checker", "/cpipe-check a b c d"]
)
def test_no_command(body: str) -> None:
    assert parse("1", "", "x", datetime.now(), body) is None


def _ask(found: Scene, login: str, body: str) -> Comment:
    comment = found.server.add_comment(found.pull, login, body)
    handle(found.publisher(), Commented(found.pull.number, comment.id))
    return comment


def _scene(server: GitHubServer, content: bytes = MOVED) -> Scene:
    found = scene(server, {PATH: content})
    server.add_user("maintainer", "write")
    server.add_user("stranger", "read")
    found.job()
    found.publisher().publish(found.pull.number)
    return found


@pytest.mark.parametrize("login", ["maintainer", "contributor"])
def test_explain(server: GitHubServer, login: str) -> None:
    found = _scene(server)
    asked = _ask(found, login, "/cpipe-check explain CP203")
    assert "register-modules-missing" in found.comment
    assert "register_modules" in found.comment
    assert [(r.content, r.user) for r in asked.reactions] == [("+1", "github-actions[bot]")]


def test_explain_what_there_is_not(server: GitHubServer) -> None:
    found = _scene(server)
    _ask(found, "maintainer", "/cpipe-check explain `@everyone`")
    assert "no such rule" in found.comment
    assert "`` `@everyone` ``" in found.comment


def test_fix_answers_with_the_patch(server: GitHubServer, tmp_path: Path) -> None:
    import subprocess

    found = _scene(server)
    _ask(found, "contributor", "/cpipe-check fix")
    patch = found.comment.split("for the fixes")[1].split("```diff\n")[1].split("\n```")[0] + "\n"
    target = tmp_path / PATH
    target.parent.mkdir(parents=True)
    target.write_bytes(MOVED)
    subprocess.run(["git", "apply", "-p0", "-"], input=patch.encode(), cwd=tmp_path, check=True)
    assert b"models.controlnets.multicontrolnet import" in target.read_bytes()


def test_nothing_to_fix(server: GitHubServer) -> None:
    found = _scene(server, GOOD)
    _ask(found, "contributor", "/cpipe-check fix")
    assert "nothing that can be fixed" in found.comment


def test_again_runs_the_check_job_once(server: GitHubServer) -> None:
    found = _scene(server)
    asked = _ask(found, "maintainer", "/cpipe-check")
    assert len(server.calls("POST", "/rerun")) == 1
    assert [r.content for r in asked.reactions] == ["rocket"]
    # The event is delivered once more.
    handle(found.publisher(), Commented(found.pull.number, asked.id))
    assert len(server.calls("POST", "/rerun")) == 1


def test_gpu_starts_the_workflow_of_the_default_branch_at_the_head(server: GitHubServer) -> None:
    found = _scene(server)
    server.add_run(
        found.pull, "gpu", event="workflow_dispatch", head_repository="octo-org/pipelines", head_branch="main"
    )
    _ask(found, "maintainer", "/cpipe-check gpu")
    (dispatch,) = server.calls("POST", "/dispatches")
    assert dispatch.body["ref"] == "main"
    assert dispatch.body["inputs"] == {"number": "1", "head-sha": found.pull.head}


def test_a_stranger_is_refused_once(server: GitHubServer) -> None:
    found = _scene(server)
    for _ in range(3):
        asked = _ask(found, "stranger", "/cpipe-check")
        assert [r.content for r in asked.reactions] == ["confused"]
    assert server.calls("POST", "/rerun") == []
    assert found.comment.count("sorry, commands are for people with write access") == 1


def test_bots_are_not_answered(server: GitHubServer) -> None:
    found = _scene(server)
    server.add_user("other[bot]", "write")
    before = found.comment
    asked = _ask(found, "other[bot]", "/cpipe-check explain CP203")
    assert asked.reactions == []
    assert found.comment == before


def test_many_commands_show_the_newest(server: GitHubServer) -> None:
    found = _scene(server)
    for code in ("CP101", "CP102", "CP103", "CP104", "CP105", "CP106", "CP201"):
        server.add_comment(found.pull, "maintainer", f"/cpipe-check explain {code}")
    found.publisher().publish(found.pull.number)
    assert "CP201 super-init-missing means" in found.comment
    assert "CP101 not-utf8 means" not in found.comment


def _gpu_job(found: Scene, document: dict[str, Any], **fields: str) -> Any:
    home = {"event": "workflow_dispatch", "head_repository": "octo-org/pipelines", "head_branch": "main"}
    run = found.server.add_run(found.pull, "gpu", **{**home, **fields})
    found.server.add_artifact(run, f"cpipe-check-gpu-{found.pull.head}", archive(document))
    return run


def test_a_gpu_job_s_result_is_shown(server: GitHubServer) -> None:
    found = _scene(server, GOOD)
    run = _gpu_job(found, report_of({PATH: FAILED}, {PATH: GOOD}))
    handle(found.publisher(), GpuJobDone(run.id))
    assert "On a GPU" in found.comment
    assert [r.conclusion for r in found.check_runs][-1] == "failure"


@pytest.mark.parametrize(
    "fields", [{"event": "pull_request"}, {"head_repository": "contributor/pipelines"}, {"head_branch": "patch-1"}]
)
def test_a_gpu_artifact_of_a_fork_s_run_is_not_believed(server: GitHubServer, fields: dict[str, str]) -> None:
    found = _scene(server, GOOD)
    _gpu_job(found, report_of({PATH: RAN}, {PATH: GOOD}), **fields)
    found.publisher().publish(found.pull.number)
    assert "On a GPU" not in found.comment


SHA = "a" * 40
RUN = {"event": "pull_request", "head_sha": SHA, "head_branch": "b", "head_repository": {"full_name": "o/r"}, "id": 3}


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("workflow_run", {"workflow_run": RUN}, JobDone(SHA, "o/r", "b")),
        ("workflow_run", {"workflow_run": {**RUN, "event": "workflow_dispatch"}}, GpuJobDone(3)),
        ("workflow_run", {"workflow_run": {**RUN, "event": "push"}}, None),
        ("workflow_run", {"workflow_run": {**RUN, "head_repository": None}}, None),
        (
            "issue_comment",
            {"action": "created", "issue": {"number": 5, "pull_request": {}}, "comment": {"id": 6}},
            Commented(5, 6),
        ),
        ("issue_comment", {"action": "edited", "issue": {"number": 5, "pull_request": {}}, "comment": {"id": 6}}, None),
        ("issue_comment", {"action": "created", "issue": {"number": 5}, "comment": {"id": 6}}, None),
    ],
)
def test_events(name: str, payload: dict[str, Any], expected: object) -> None:
    assert read(name, json.dumps(payload).encode()) == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [("push", b"{}"), ("", b"{}"), ("workflow_run", b"{}"), ("workflow_run", b"no"), ("workflow_run", b"[]")],
)
def test_an_event_that_is_none_of_ours(name: str, content: bytes) -> None:
    with pytest.raises(CannotPublish):
        read(name, content)
