"""Faults before and after the effect, limits, lost connections, races."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import github
import pytest
import requests

from github_server import GitHubServer
from github_server.clients import ALL, client, repository

COMMENTS = r"/issues/\d+/comments$"


@pytest.fixture
def pull(server: GitHubServer) -> Any:
    return server.pull_request({"a.py": b"a\n"})


@pytest.mark.parametrize(("after", "comments"), [(False, 0), (True, 1)])
@pytest.mark.parametrize("status", [401, 404, 422, 500, 502, 503])
def test_a_status_before_and_after_the_effect(
    server: GitHubServer, pull: Any, status: int, after: bool, comments: int
) -> None:
    found = repository(server).get_pull(pull.number)
    server.faults.respond("POST", COMMENTS, status, after=after)
    with pytest.raises(github.GithubException) as caught:
        found.create_issue_comment("x")
    assert caught.value.status == status
    assert len(server.comments(pull)) == comments
    found.create_issue_comment("x")
    assert [request.status for request in server.writes()] == [status, 201]


@pytest.mark.parametrize(("after", "comments"), [(False, 0), (True, 1)])
def test_a_connection_that_is_lost(server: GitHubServer, pull: Any, after: bool, comments: int) -> None:
    found = repository(server).get_pull(pull.number)
    server.faults.reset("POST", COMMENTS, after=after)
    with pytest.raises(requests.exceptions.ConnectionError):
        found.create_issue_comment("x")
    assert len(server.comments(pull)) == comments


def test_a_server_that_hangs(server: GitHubServer, pull: Any) -> None:
    found = client(server, server.token(**ALL), timeout=1).get_repo("octo-org/pipelines").get_pull(pull.number)
    server.faults.hang("POST", COMMENTS)
    with pytest.raises(requests.exceptions.Timeout):
        found.create_issue_comment("x")
    assert len(server.comments(pull)) == 1


@pytest.mark.parametrize("retry_after", [None, 7])
def test_the_secondary_limit(server: GitHubServer, pull: Any, retry_after: int | None) -> None:
    found = repository(server).get_pull(pull.number)
    server.faults.secondary_limit("POST", COMMENTS, retry_after, skip=1)
    found.create_issue_comment("x")
    with pytest.raises(github.RateLimitExceededException, match="secondary rate limit") as caught:
        found.create_issue_comment("y")
    assert caught.value.status == 403
    assert (caught.value.headers or {}).get("retry-after") == (retry_after and str(retry_after))
    assert len(server.comments(pull)) == 1


def test_the_primary_limit(server: GitHubServer, pull: Any) -> None:
    hub = client(server, server.token(**ALL))
    server.faults.primary_limit("*", "", reset_in=60, times=2)
    with pytest.raises(github.RateLimitExceededException):
        hub.get_repo("octo-org/pipelines")
    assert hub.rate_limiting[0] == 0
    server.faults.rules.clear()
    assert hub.get_repo("octo-org/pipelines").name == "pipelines"


def test_a_race_before_a_write(server: GitHubServer, pull: Any) -> None:
    found = repository(server).get_pull(pull.number)
    server.on("POST", COMMENTS, lambda request: server.push(pull, {"a.py": b"b\n"}))
    server.on("POST", COMMENTS, lambda request: server.add_comment(pull, "github-actions[bot]", request.body["body"]))
    found.create_issue_comment("x")
    assert [comment.body for comment in server.comments(pull)] == ["x", "x"]
    assert found.head.sha != pull.head


def test_a_race_after_a_read(server: GitHubServer, pull: Any) -> None:
    found = repository(server).get_pull(pull.number)
    comment = server.add_comment(pull, "github-actions[bot]", "x")
    server.on("GET", COMMENTS, lambda request: server.delete_comment(comment), when="after")
    (read,) = found.get_issue_comments()
    with pytest.raises(github.UnknownObjectException):
        read.edit("y")


def test_many_at_once(server: GitHubServer, pull: Any) -> None:
    found = [repository(server).get_pull(pull.number) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for number in pool.map(lambda pull: pull.create_issue_comment("x").id, found * 5):
            assert number in server.repository.comments
    assert len(server.comments(pull)) == len(server.writes()) == 40


def test_a_whole_other_client_in_between(server: GitHubServer, pull: Any) -> None:
    found = repository(server).get_pull(pull.number)
    other = repository(server).get_pull(pull.number)
    server.on("POST", COMMENTS, lambda request: other.create_issue_comment("other"))
    found.create_issue_comment("own")
    assert [comment.body for comment in server.comments(pull)] == ["other", "own"]


def test_what_never_happened_can_be_told(server: GitHubServer, pull: Any) -> None:
    server.faults.respond("POST", COMMENTS, 502)
    repository(server).get_pull(pull.number)
    assert server.faults.pending == [f"POST {COMMENTS}"]
