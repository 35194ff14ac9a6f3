"""The real huggingface_hub client takes what this Hub answers, in each of the ways that its users call it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import DiscussionComment, HfApi, hf_hub_download
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session

from hub_server import Hub, Link, Stored
from hub_server.model import Job

NAME = "alice/pipe"


def _api(hub: Hub, login: str = "alice") -> HfApi:
    return HfApi(endpoint=hub.url, token=hub.token(login))


def test_repositories(hub: Hub) -> None:
    repo = hub.repo(
        NAME, {"README.md": b"---\ntags: [a]\nlicense: mit\n---\n", "unet/w.bin": Stored(5), "l": Link("x")}
    )
    hub.state.tree_page = 2
    api = _api(hub)
    info = api.repo_info(NAME, files_metadata=True)
    assert (info.id, info.sha, info.card_data.get("license")) == (NAME, repo.refs["refs/heads/main"], "mit")
    paths = {entry.path: getattr(entry, "size", None) for entry in api.list_repo_tree(NAME, recursive=True)}
    assert paths == {".gitattributes": 0, "README.md": 31, "unet": None, "unet/w.bin": 5, "l": 1}
    assert [entry.path for entry in api.list_repo_tree(NAME, "unet")] == ["unet/w.bin"]
    sha = hub.push(repo, {"new.txt": b"1"})
    assert [commit.commit_id for commit in api.list_repo_commits(NAME)] == [sha, info.sha]
    pull = hub.open_pr(repo, "bob", {"x": b""})
    refs = api.list_repo_refs(NAME, include_pull_requests=True)
    assert refs.pull_requests is not None
    assert {each.ref: each.target_commit for each in [*refs.branches, *refs.pull_requests]} == repo.refs
    assert api.repo_info(NAME, revision=pull.ref).sha == repo.refs[pull.ref]


def test_files(hub: Hub, tmp_path: Path) -> None:
    hub.repo(NAME, {"a/b.txt": b"content"})
    hub.repo("alice/data", {"c.txt": b"data"}, "dataset")
    token = hub.token("alice")
    path = hf_hub_download(NAME, "a/b.txt", endpoint=hub.url, token=token, cache_dir=tmp_path)
    assert Path(path).read_bytes() == b"content"
    path = hf_hub_download(
        "alice/data", "c.txt", repo_type="dataset", endpoint=hub.url, token=token, cache_dir=tmp_path
    )
    assert Path(path).read_bytes() == b"data"
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download(NAME, "none", endpoint=hub.url, token=token, cache_dir=tmp_path)


def test_discussions(hub: Hub) -> None:
    repo = hub.repo(NAME)
    hub.state.page = 2
    api = _api(hub, "bob")
    made = api.create_discussion(NAME, "A title", description="first")
    comment = api.comment_discussion(NAME, made.num, "second")
    assert api.edit_discussion_comment(NAME, made.num, comment.id, "changed").content == "changed"
    assert api.change_discussion_status(NAME, made.num, "closed", comment="bye").new_status == "closed"
    assert api.rename_discussion(NAME, made.num, "Another").new_title == "Another"
    with pytest.warns(UserWarning, match="irreversible"):
        assert api.hide_discussion_comment(NAME, made.num, comment.id).hidden
    found = api.get_discussion_details(NAME, made.num)
    assert (found.title, found.status, found.author) == ("Another", "closed", "bob")
    shown = [e.content for e in found.events if isinstance(e, DiscussionComment)]
    assert shown == ["first", "This comment has been hidden", "bye"]
    for _ in range(4):
        hub.open_pr(repo, "carol", {"x": b""})
    numbers = [d.num for d in api.get_repo_discussions(NAME, discussion_type="pull_request", discussion_status="open")]
    assert numbers == [5, 4, 3, 2]
    assert [d.num for d in api.get_repo_discussions(NAME, author="bob")] == [made.num]


def test_refusals(hub: Hub) -> None:
    repo = hub.repo(NAME, {"a": b""})
    api, stranger = _api(hub), _api(hub, "eve")
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(NAME, revision="none")
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("alice/none")
    repo.private = True
    with pytest.raises(RepositoryNotFoundError):
        stranger.repo_info(NAME)
    repo.private, repo.gated = False, True
    with pytest.raises(GatedRepoError):
        stranger.get_hf_file_metadata(url=f"{hub.url}/{NAME}/resolve/main/a")
    repo.gated, repo.disabled = False, True
    with pytest.raises(DisabledRepoError):
        api.repo_info(NAME)
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi(endpoint=hub.url, token="hf_unknown").whoami()


def test_a_moved_repository_is_followed(hub: Hub) -> None:
    repo = hub.repo(NAME, {"a": b""})
    pull = hub.open_pr(repo, "bob", {"x": b""})
    hub.rename(repo, "alice/other")
    api = _api(hub)
    assert api.repo_info(NAME).id == "alice/other"
    api.comment_discussion(NAME, pull.num, "still here")
    assert pull.comments[-1].raw == "still here"


def test_jobs(hub: Hub) -> None:
    def run(job: Job) -> None:
        job.log += ["one", "two"]
        job.end("ERROR", "exit code 1")

    hub.state.run_job = run
    hub.org("lab", "alice")
    api = _api(hub)
    given: dict[str, Any] = {"image": "python:3.12", "command": ["x"], "timeout": "2m", "env": {"A": "b"}}
    made = api.run_job(**given, labels={"a": "1"})
    assert api.wait_for_job(made.id).status.stage == "ERROR"
    assert list(api.fetch_job_logs(job_id=made.id)) == ["one", "two"]
    assert list(api.fetch_job_logs(job_id=made.id, follow=True)) == ["one", "two"]
    other = api.run_job(**given, labels={"a": "2"}, namespace="lab", flavor="t4-small")
    assert [job.id for job in api.list_jobs(labels={"a": "1"}, namespace="alice")] == [made.id]
    assert [job.id for job in api.list_jobs(namespace="lab", status="error")] == [other.id]
    assert (other.flavor, other.labels, other.owner.type) == ("t4-small", {**(other.labels or {}), "a": "2"}, "org")
    hub.state.run_job = lambda job: None
    waiting = api.run_job(**given)
    api.cancel_job(job_id=waiting.id)
    assert api.inspect_job(job_id=waiting.id).status.stage == "CANCELED"
    with pytest.raises(HfHubHTTPError, match="403"):
        _api(hub, "eve").inspect_job(job_id=other.id, namespace="lab")


def test_jobs_that_are_refused(hub: Hub) -> None:
    api = _api(hub)
    given: dict[str, Any] = {"image": "python:3.12", "command": ["x"], "env": {"A": "b"}, "labels": {"a": "b"}}
    refused: list[dict[str, Any]] = [{}, {"timeout": 60, "secrets": {"T": "x"}}, {"timeout": 60, "flavor": "huge"}]
    refused += [{"timeout": 60, "env": {"A": "x" * 131_070}}, {"timeout": 60, "labels": {"a": "x" * 64}}]
    for changes in refused:
        with pytest.raises(HfHubHTTPError, match="Bad request"):
            api.run_job(**{**given, **changes})
    assert not hub.state.jobs
    # That of the secret.
    assert len(hub.violations) == 1
    hub.violations.clear()


def test_what_it_does_not_know_is_noted(hub: Hub) -> None:
    hub.repo(NAME)
    for path in ("/api/spaces/alice/x", f"/api/models/{NAME}?unheard=1"):
        get_session().get(hub.url + path)
    assert len(hub.violations) == 2
    hub.violations.clear()
