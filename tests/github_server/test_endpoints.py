"""Every endpoint once, through PyGithub where PyGithub has a method for it."""

from __future__ import annotations

import base64
import io
import time
import zipfile

import github
import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from github_server import GitHubServer, Link, Submodule
from github_server.clients import ALL, client, repository
from github_server.handler import ENDPOINTS

OLD = b"".join(b"line %d\n" % number for number in range(1, 41))
NEW = OLD.replace(b"line 20\n", b"line twenty\nline twenty and a half\n")


def test_every_operation_of_the_description_is_answered(server: GitHubServer) -> None:
    assert {operation.id for operation in server.contract.operations} == set(ENDPOINTS)


def test_people_and_repositories(server: GitHubServer) -> None:
    server.add_user("maintainer", "maintain")
    hub = client(server, server.token("maintainer"))
    assert hub.get_user().login == "maintainer"
    assert hub.get_rate_limit().rate.limit == 5000
    repo = hub.get_repo("Octo-Org/Pipelines")
    assert (repo.full_name, repo.default_branch, repo.fork) == ("octo-org/pipelines", "main", False)
    assert repo.get_collaborator_permission("maintainer") == "write"
    server.state.user("stranger")
    assert repo.get_collaborator_permission("stranger") == "read"
    with pytest.raises(github.GithubException, match="nobody is not a user"):
        repo.get_collaborator_permission("nobody")
    with pytest.raises(github.UnknownObjectException):
        hub.get_repo("octo-org/other")


def test_actions_cannot_ask_who_it_is(server: GitHubServer) -> None:
    with pytest.raises(github.GithubException, match="Resource not accessible by integration") as caught:
        _ = client(server, server.token(**ALL)).get_user().login
    assert caught.value.status == 403


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    """A private and a public key."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def test_app(server: GitHubServer, keys: tuple[str, str]) -> None:
    app = server.add_app("cpipe-check", keys[1], pull_requests="write", issues="write", checks="write")
    pull = server.pull_request({"a.py": b"a = 1\n"})
    integration = github.GithubIntegration(base_url=server.base_url, auth=github.Auth.AppAuth(app.id, keys[0]))
    assert integration.get_app().slug == "cpipe-check"
    installation = integration.get_repo_installation("octo-org", "pipelines")
    assert installation.id == app.installation
    hub = client(server, integration.get_access_token(installation.id).token)
    comment = hub.get_repo("octo-org/pipelines").get_pull(pull.number).create_issue_comment("hello")
    assert (comment.user.login, comment.user.type) == ("cpipe-check[bot]", "Bot")


@pytest.mark.parametrize(("issued", "expires", "key"), [(-700, -60, 0), (0, 3600, 0), (0, 300, 1)])
def test_app_with_a_wrong_jwt(server: GitHubServer, keys: tuple[str, str], issued: int, expires: int, key: int) -> None:
    app = server.add_app("cpipe-check", keys[1], checks="write")
    now = int(time.time())
    other = rsa.generate_private_key(65537, 2048)
    claims = {"iss": str(app.id), "iat": now + issued, "exp": now + expires}
    secret = jwt.encode(claims, [keys[0], other][key], algorithm="RS256")
    answer = requests.get(f"{server.base_url}/app", headers={"Authorization": f"Bearer {secret}"}, timeout=10)
    assert answer.status_code == 401


def test_pulls(server: GitHubServer) -> None:
    fork = server.pull_request({"a.py": NEW, "new.py": b"n\n", "gone.py": None}, {"a.py": OLD, "gone.py": b"x\n"})
    own = server.pull_request({"b.py": b"b\n"}, fork=False, author="octo-org", branch="topic")
    repo = repository(server)
    assert [pull.number for pull in repo.get_pulls()] == [own.number, fork.number]
    assert [pull.number for pull in repo.get_pulls(head="contributor:patch-1", state="open")] == [fork.number]
    pull = repo.get_pull(fork.number)
    assert (pull.head.sha, pull.head.repo.full_name, pull.head.label) == (
        fork.head,
        "contributor/pipelines",
        "contributor:patch-1",
    )
    assert (pull.changed_files, pull.commits, pull.base.sha) == (3, 1, server.repository.branches["main"])
    assert [(f.filename, f.status, f.additions, f.deletions) for f in pull.get_files()] == [
        ("a.py", "modified", 2, 1),
        ("gone.py", "removed", 0, 1),
        ("new.py", "added", 1, 0),
    ]
    assert pull.as_issue().number == fork.number
    assert [found.number for found in repo.get_commit(own.head).get_pulls()] == [own.number]
    assert list(repo.get_commit(fork.head).get_pulls()) == []
    server.edit_pull(own, state="closed", title="Other")
    assert [(p.number, p.title) for p in repo.get_pulls(state="closed")] == [(own.number, "Other")]


def test_a_deleted_fork(server: GitHubServer) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    run = server.add_run(pull)
    server.delete_fork(pull)
    repo = repository(server)
    found = repo.get_pull(pull.number)
    assert (found.head.repo, found.head.label, found.head.sha) == (None, "contributor:patch-1", pull.head)
    assert [file.filename for file in found.get_files()] == ["a.py"]
    assert repo.get_workflow_run(run.id).head_repository is None
    assert [p.number for p in repo.get_pulls(head="contributor:patch-1")] == [pull.number]


def test_renamed_and_other_entries(server: GitHubServer) -> None:
    server.push_base({"old.py": OLD, "bin": b"\0" * 9})
    pull = server.pull_request(
        {"old.py": None, "new.py": NEW, "bin": b"\0\1", "link": Link("README.md"), "sub": Submodule("7" * 40)}
    )
    files = {file.filename: file for file in repository(server).get_pull(pull.number).get_files()}
    assert (files["new.py"].status, files["new.py"].previous_filename) == ("renamed", "old.py")
    assert "+line twenty\n" in files["new.py"].patch
    assert files["bin"].patch is None
    assert files["link"].patch == "@@ -0,0 +1 @@\n+README.md\n\\ No newline at end of file"
    assert files["sub"].patch == f"@@ -0,0 +1 @@\n+Subproject commit {'7' * 40}"


def test_compare(server: GitHubServer) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    server.push_base({"b.py": b"b\n"})
    repo = repository(server)
    assert repo.get_commit(f"refs/pull/{pull.number}/head").sha == pull.head
    found = repo.compare("main", "contributor:patch-1")
    assert (found.status, found.ahead_by, found.behind_by) == ("diverged", 1, 1)
    assert [file.filename for file in found.files] == ["a.py"]
    assert found.merge_base_commit.sha == pull.base


def test_contents_and_git(server: GitHubServer) -> None:
    big = b"#" * (2**20 + 1)
    files = {"dir/a b.py": b"a\n", "dir/up": Link("../README.md"), "out": Link("/etc/passwd"), "sub": Submodule()}
    pull = server.pull_request({**files, "big.py": big})
    repo = repository(server)

    def at(path: str) -> object:
        return repo.get_contents(path, ref=pull.head)

    assert at("dir/a b.py").decoded_content == b"a\n"
    assert at("dir/up").decoded_content == b"# Pipelines\n"
    assert (at("out").type, at("out").target) == ("symlink", "/etc/passwd")
    assert at("sub").type == "submodule"
    assert (at("big.py").encoding, at("big.py").content) == ("none", "")
    listed = [(entry.type, entry.path) for entry in at("dir")]
    assert listed == [("file", "dir/a b.py"), ("symlink", "dir/up")]
    with pytest.raises(github.UnknownObjectException):
        at("none.py")
    assert base64.b64decode(repo.get_git_blob(at("big.py").sha).content) == big
    tree = repo.get_git_tree(pull.head, recursive=True)
    assert ("160000", "commit", "sub") in [(entry.mode, entry.type, entry.path) for entry in tree.tree]
    assert repo.get_git_commit(pull.head).tree.sha == tree.sha
    assert sorted(file.filename for file in repo.get_commit(pull.head).files) == sorted([*files, "big.py"])


def test_conversation(server: GitHubServer) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    server.add_comment(pull, "maintainer", "/cpipe-check")
    found = repository(server).get_pull(pull.number)
    comment = found.create_issue_comment("first")
    comment.edit("second")
    assert [(c.user.login, c.body) for c in found.get_issue_comments()] == [
        ("maintainer", "/cpipe-check"),
        ("github-actions[bot]", "second"),
    ]
    reaction = comment.create_reaction("eyes")
    assert comment.create_reaction("eyes").id == reaction.id
    assert [r.content for r in comment.get_reactions()] == ["eyes"]
    assert comment.delete_reaction(reaction.id)
    assert list(comment.get_reactions()) == []
    assert found.get_issue_comment(comment.id).body == "second"
    comment.delete()
    with pytest.raises(github.UnknownObjectException):
        comment.edit("third")


@pytest.mark.parametrize("body", ["", " \n", "x" * 65_537])
def test_a_body_that_github_refuses(server: GitHubServer, body: str) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    found = repository(server).get_pull(pull.number)
    with pytest.raises(github.GithubException) as caught:
        found.create_issue_comment(body)
    assert caught.value.status == 422
    assert found.create_issue_comment("x" * 65_536).body == "x" * 65_536


def test_labels(server: GitHubServer) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    repo = repository(server)
    found = repo.get_pull(pull.number)
    repo.create_label("Checked", "00ff00", "All is well")
    with pytest.raises(github.GithubException, match="already_exists"):
        repo.create_label("checked", "00ff00")
    found.add_to_labels("checked", "other")
    assert [label.name for label in found.get_labels()] == ["Checked", "other"]
    found.remove_from_labels("other")
    with pytest.raises(github.GithubException, match="Label does not exist"):
        found.remove_from_labels("other")
    assert [label.name for label in repo.get_labels()] == ["Checked", "other"]


def test_check_runs(server: GitHubServer) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    repo = repository(server)
    notes = [
        {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "warning", "message": str(number)}
        for number in range(70)
    ]
    run = repo.create_check_run("cpipe-check", pull.head, status="in_progress")
    for part in (notes[:50], notes[50:]):
        run.edit(output={"title": "t", "summary": "s", "annotations": part})
    run.edit(status="completed", conclusion="failure")
    repo.create_check_run("other", pull.head, conclusion="success")
    repo.create_check_run("other", pull.head, conclusion="neutral")
    listed = {run.name: run.conclusion for run in repo.get_commit(pull.head).get_check_runs()}
    assert listed == {"cpipe-check": "failure", "other": "neutral"}
    assert repo.get_commit(pull.head).get_check_runs(filter="all").totalCount == 3
    assert [note.message for note in repo.get_check_run(run.id).get_annotations()] == [str(n) for n in range(70)]


def test_check_runs_are_an_apps_own(server: GitHubServer, keys: tuple[str, str]) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    server.add_app("cpipe-check", keys[1])
    run = repository(server).create_check_run("x", pull.head)
    with pytest.raises(github.GithubException, match="Invalid app_id"):
        repository(server, "cpipe-check[bot]").get_check_run(run.id).edit(conclusion="success")
    with pytest.raises(github.GithubException, match="must authenticate via a GitHub App"):
        repository(server, "maintainer").create_check_run("x", pull.head)


@pytest.mark.parametrize(
    "change",
    [
        {"start_line": 0},
        {"start_line": 2, "end_line": 1},
        {"end_line": 2, "start_column": 1},
        {"title": "x" * 256},
        {"path": "/a.py"},
        {"message": ""},
    ],
)
def test_an_annotation_that_github_refuses(server: GitHubServer, change: dict[str, object]) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    note = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m", **change}
    with pytest.raises(github.GithubException) as caught:
        repository(server).create_check_run(
            "x", pull.head, output={"title": "t", "summary": "s", "annotations": [note]}
        )
    assert caught.value.status == 422
    assert server.check_runs() == []


def test_actions(server: GitHubServer) -> None:
    pull = server.pull_request({"a.py": b"a\n"})
    run = server.add_run(pull, "cpipe-check")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("result.json", "{}")
    server.add_artifact(run, "result", packed.getvalue())
    repo = repository(server)
    found = repo.get_workflow_run(run.id)
    assert (found.head_sha, found.head_repository.full_name, found.event) == (
        pull.head,
        "contributor/pipelines",
        "pull_request",
    )
    assert found.pull_requests == []
    assert [artifact.name for artifact in repo.get_artifacts()] == ["result"]
    (artifact,) = found.get_artifacts()
    headers = {"Authorization": f"token {server.token(**ALL)}"}
    answer = requests.get(artifact.archive_download_url, headers=headers, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    assert requests.get(answer.headers["Location"], timeout=10).content == packed.getvalue()
    assert found.rerun()
    assert (run.status, run.attempt) == ("queued", 2)
    workflow = repo.get_workflow("cpipe-check.yml")
    assert [r.id for r in workflow.get_runs(head_sha=pull.head)] == [run.id]
    assert workflow.create_dispatch("main", {"pr": "1"})
    assert [(d.workflow, d.ref, d.inputs) for d in server.repository.dispatches] == [
        ("cpipe-check", "main", {"pr": "1"})
    ]
