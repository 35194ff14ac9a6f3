"""Reviews: only lines of the diff take a comment, and a push outdates what it changes."""

from __future__ import annotations

from typing import Any

import github
import pytest

from github_server import GitHubServer
from github_server.clients import repository

OLD = b"".join(b"line %d\n" % number for number in range(1, 41))
NEW = OLD.replace(b"line 20\n", b"line twenty\nline twenty and a half\n")


@pytest.fixture
def pull(server: GitHubServer) -> Any:
    return server.pull_request({"a.py": NEW}, {"a.py": OLD})


def test_comments_follow_their_line_until_it_changes(server: GitHubServer, pull: Any) -> None:
    repo = repository(server)
    found = repo.get_pull(pull.number)
    head = repo.get_commit(pull.head)
    one = found.create_review_comment("```suggestion\nx\n```", head, "a.py", line=21, side="RIGHT", start_line=20)
    found.create_review_comment("two", head, "a.py", line=24, side="RIGHT")
    left = found.create_review_comment("left", head, "a.py", line=20, side="LEFT")
    assert (one.line, one.start_line, one.position, left.position) == (21, 20, 6, 4)
    assert one.diff_hunk.startswith("@@ -17,7 +17,8 @@")
    server.push(pull, {"a.py": b"new first\n" + NEW.replace(b"and a half", b"and a bit")})
    now = {comment.body: comment for comment in found.get_review_comments()}
    assert (now["two"].line, now["two"].original_line) == (25, 24)
    assert now["left"].line == 20
    outdated = now[one.body]
    assert (outdated.line, outdated.position, outdated.original_line) == (None, None, 21)
    assert outdated.original_commit_id != outdated.commit_id == pull.head
    outdated.edit("gone")
    outdated.delete()
    assert len(server.review_comments(pull)) == 2


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ({"path": "a.py", "line": 5}, "line must be part of the diff"),
        ({"path": "a.py", "line": 40, "side": "LEFT"}, "line must be part of the diff"),
        ({"path": "a.py", "line": 21, "start_line": 2}, "start_line must be part of the diff"),
        ({"path": "README.md", "line": 1}, "path could not be found"),
    ],
)
def test_a_line_off_the_diff(server: GitHubServer, pull: Any, place: dict[str, Any], problem: str) -> None:
    repo = repository(server)
    found, head = repo.get_pull(pull.number), repo.get_commit(pull.head)
    with pytest.raises(github.GithubException, match=problem) as caught:
        found.create_review_comment("x", head, **place)
    assert caught.value.status == 422
    with pytest.raises(github.GithubException, match="could not be resolved"):
        found.create_review(
            head, "x", "COMMENT", comments=[{"body": "good", "path": "a.py", "line": 20}, {"body": "x", **place}]
        )
    assert server.review_comments(pull) == []


def test_reviews(server: GitHubServer, pull: Any) -> None:
    repo = repository(server)
    found, head = repo.get_pull(pull.number), repo.get_commit(pull.head)
    review = found.create_review(head, event="COMMENT", comments=[{"path": "a.py", "line": 21, "body": "x"}])
    assert (review.state, review.commit_id) == ("COMMENTED", pull.head)
    assert [comment.pull_request_review_id for comment in found.get_review_comments()] == [review.id]
    with pytest.raises(github.GithubException, match="Body cannot be blank"):
        found.create_review(head, event="COMMENT")
    found.create_review(head, body="draft", comments=[{"path": "a.py", "line": 20, "body": "hidden"}])
    assert [comment.body for comment in found.get_review_comments()] == ["x"]
    assert [r.state for r in found.get_reviews()] == ["COMMENTED", "PENDING"]
    other = repository(server, "maintainer").get_pull(pull.number)
    assert [r.state for r in other.get_reviews()] == ["COMMENTED"]
    with pytest.raises(github.GithubException, match="one pending review"):
        found.create_review(head, body="again")
    with pytest.raises(github.GithubException, match="approve your own"):
        repository(server, "contributor").get_pull(pull.number).create_review(head, event="APPROVE")


def test_a_commit_that_is_no_longer_there(server: GitHubServer, pull: Any) -> None:
    repo = repository(server)
    found, head = repo.get_pull(pull.number), repo.get_commit(pull.head)
    server.force_push(pull, {"a.py": NEW + b"more\n"})
    with pytest.raises(github.GithubException, match="not part of the pull request"):
        found.create_review_comment("x", head, "a.py", line=21)
    assert repo.get_pull(pull.number).head.sha == pull.head != head.sha
