"""Publishing on a loopback GitHub that holds every request and answer to GitHub's own description."""

from __future__ import annotations

import re

import pytest

from bot.publishing import FAILED, GOOD, MOVED, PATH, RAN, scene
from cpipe_bot.github.body import MARKER
from cpipe_bot.github.client import CannotPublish
from github_server import GitHubServer


def test_a_green_pull_request(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    outcome = found.publisher().publish(found.pull.number)
    assert outcome is not None
    assert outcome.conclusion == "success"
    assert found.comment.startswith(f"{MARKER}\n### ✅")
    assert "<details>" in found.comment
    (run,) = found.check_runs
    assert (run.status, run.conclusion, run.annotations) == ("completed", "success", [])


def test_a_finding_and_a_failed_smoke_load(server: GitHubServer) -> None:
    other = "examples/community/other.py"
    found = scene(server, {PATH: MOVED, other: GOOD})
    found.job({other: FAILED})
    found.publisher().publish(found.pull.number)
    assert "CP301" in found.comment
    assert "ValueError: no good" in found.comment
    (run,) = found.check_runs
    assert run.conclusion == "failure"
    assert {(a["path"], a["start_line"], a["annotation_level"]) for a in run.annotations} == {
        (PATH, 3, "failure"),
        (other, 13, "failure"),
    }


def test_twenty_pushes_make_one_comment(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    for number in range(20):
        found.publisher().publish(found.pull.number)
        (before,) = server.comments(found.pull)
        sha = found.push({PATH: (MOVED if number % 2 else GOOD) + f"# {number}\n".encode()})
        found.publisher().publish(found.pull.number)
        assert sha in found.comment
        assert ("multicontrolnet" in found.comment) == bool(number % 2)
        (after,) = server.comments(found.pull)
        assert before.id == after.id


def test_publishing_twice_writes_nothing_the_second_time(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    found.publisher().publish(found.pull.number)
    count = len([r for r in server.writes() if r.path != "/graphql"])
    found.publisher().publish(found.pull.number)
    again = [r for r in server.writes() if r.path != "/graphql"][count:]
    # The check run's conclusion is written each time, in place.
    assert [(r.method, r.path.split("/")[-2]) for r in again] == [("PATCH", "check-runs")]


def test_a_hundred_and_twenty_annotations(server: GitHubServer) -> None:
    lines = b"".join(b"from diffusers.gone_%d import X%d\n" % (n, n) for n in range(120))
    found = scene(server, {PATH: GOOD.replace(b"import torch\n", b"import torch\n" + lines, 1)})
    found.job()
    found.publisher().publish(found.pull.number)
    (run,) = found.check_runs
    assert len(run.annotations) == 120
    sizes = [len(r.body["output"]["annotations"]) for r in server.writes() if "check-runs" in r.path]
    assert sizes == [50, 50, 20]
    assert len(found.comment) < 65_536
    found.publisher().publish(found.pull.number)
    (run,) = found.check_runs
    assert len(run.annotations) == 120


def test_an_annotation_that_is_no_more_takes_a_new_check_run(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job({PATH: FAILED})
    found.publisher().publish(found.pull.number)
    # The job was run again.
    found.job({PATH: RAN})
    found.publisher().publish(found.pull.number)
    newest = max(found.check_runs, key=lambda run: run.id)
    assert (newest.conclusion, newest.annotations) == ("success", [])
    assert "ValueError" not in found.comment


def test_a_very_long_comment_is_cut_with_a_link(server: GitHubServer) -> None:
    lines = b"".join(b"from diffusers.gone_%d import X%d\n" % (n, n) for n in range(40))
    content = GOOD.replace(b"import torch\n", b"import torch\n" + lines, 1)
    found = scene(server, {f"examples/community/p{n}.py": content for n in range(60)})
    run = found.job()
    found.publisher().publish(found.pull.number)
    assert 40_000 < len(found.comment) <= 65_536
    assert "Cut here" in found.comment
    assert f"/actions/runs/{run.id}" in found.comment.split("Cut here")[1]
    assert found.comment.count("\n<details>") == found.comment.count("\n</details>")
    assert sum(len(each.annotations) for each in found.check_runs) == 1000


@pytest.mark.parametrize("fork", [True, False])
def test_a_job_is_found_by_its_head_and_home(server: GitHubServer, fork: bool) -> None:
    found = scene(server, {PATH: GOOD}, fork=fork)
    publisher = found.publisher()
    home = found.pull.head_repository
    assert publisher.pulls_of(found.pull.head, home, "patch-1") == [1]
    assert publisher.pulls_of("0" * 40, home, "patch-1") == []
    assert publisher.pulls_of(found.pull.head, "somebody/pipelines", "patch-1") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"head_sha": "1" * 40},
        {"head_repository": "octo-org/pipelines"},
        {"event": "push"},
        {"name": "another"},
    ],
)
def test_a_job_of_something_else_is_not_believed(server: GitHubServer, fields: dict[str, str]) -> None:
    found = scene(server, {PATH: GOOD})
    found.job(**fields)
    outcome = found.publisher().publish(found.pull.number)
    assert outcome is not None
    assert outcome.conclusion == "neutral"
    assert "no check job has run" in found.comment


def test_an_older_head_s_job_is_never_shown(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job({PATH: FAILED})
    sha = server.push(found.pull, {PATH: GOOD + b"# more\n"})
    found.publisher().publish(found.pull.number)
    assert "ValueError" not in found.comment
    assert sha in found.comment


def test_the_head_moves_while_it_is_published(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job({PATH: FAILED})
    server.on("POST", r"/issues/\d+/comments", lambda _: found.push({PATH: GOOD + b"# 2\n"}))
    found.publisher().publish(found.pull.number)
    assert found.pull.head in found.comment
    assert "ValueError" not in found.comment
    assert [run.conclusion for run in found.check_runs] == ["success"]


def test_a_comment_that_somebody_deleted_comes_again(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    found.publisher().publish(found.pull.number)
    server.delete_comment(server.comments(found.pull)[0])
    found.publisher().publish(found.pull.number)
    assert len(found.comments) == 1


def test_a_comment_is_deleted_between_the_look_and_the_edit(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    found.publisher().publish(found.pull.number)
    (old,) = server.comments(found.pull)
    found.push({PATH: GOOD})
    server.on("PATCH", r"/issues/comments/", lambda _: server.delete_comment(old))
    found.publisher().publish(found.pull.number)
    assert found.pull.head in found.comment


def test_two_publishers_race(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    other = found.publisher()
    server.on("POST", r"/issues/\d+/comments", lambda _: other.publish(found.pull.number))
    found.publisher().publish(found.pull.number)
    assert len(found.comments) == 1


def test_a_late_publisher_of_an_older_head_leaves_the_newer_one(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job({PATH: FAILED})
    found.publisher().publish(found.pull.number)

    def overtake(_: object) -> None:
        found.push({PATH: MOVED})
        found.publisher().publish(found.pull.number)

    found.job({PATH: RAN})
    server.on("PATCH", r"/issues/comments/", overtake)
    found.publisher().publish(found.pull.number)
    assert found.pull.head in found.comment
    assert "multicontrolnet" in found.comment


@pytest.mark.parametrize("when", [True, False])
@pytest.mark.parametrize(
    ("method", "where"),
    [("POST", r"/issues/\d+/comments"), ("POST", r"/check-runs$"), ("POST", r"/pulls/\d+/reviews")],
)
@pytest.mark.parametrize("fault", ["502", "reset"])
def test_a_write_whose_answer_is_lost(server: GitHubServer, method: str, where: str, when: bool, fault: str) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    if fault == "502":
        server.faults.respond(method, where, 502, after=when)
    else:
        server.faults.reset(method, where, after=when)
    found.publisher().publish(found.pull.number)
    assert not server.faults.pending
    assert len(found.comments) == 1
    assert len(found.check_runs) == 1
    assert len(server.review_comments(found.pull)) == 1


@pytest.mark.parametrize("retry_after", [7, None])
def test_a_secondary_limit_is_waited_for(server: GitHubServer, retry_after: int | None) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    server.faults.secondary_limit("POST", r"/issues/\d+/comments", retry_after)
    found.publisher().publish(found.pull.number)
    assert found.waits == [7.0 if retry_after else 60.0]
    assert len(found.comments) == 1


def test_a_limit_that_is_too_long_ends_it(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    server.faults.secondary_limit("POST", r"/issues/\d+/comments", 3600)
    with pytest.raises(CannotPublish, match="403 You have exceeded a secondary rate limit"):
        found.publisher().publish(found.pull.number)
    assert found.waits == []
    server.faults.secondary_limit("GET", r"/pulls/1$", 3600)
    with pytest.raises(CannotPublish, match="asks to wait 3600 s"):
        found.publisher().publish(found.pull.number)


def test_reads_are_retried(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    server.faults.respond("GET", r"/pulls/1/files", 502, times=2)
    server.faults.secondary_limit("GET", r"/git/trees", 1)
    found.publisher().publish(found.pull.number)
    assert len(found.comments) == 1


@pytest.mark.parametrize(
    ("missing", "told"), [("issues", "pull-requests: write"), ("checks", "checks: write"), ("actions", "actions: read")]
)
def test_a_missing_permission_is_named(server: GitHubServer, missing: str, told: str) -> None:
    from bot.publishing import PERMISSIONS

    found = scene(server, {PATH: GOOD})
    found.job()
    less = {name: level for name, level in PERMISSIONS.items() if name != missing}
    if missing == "issues":
        less["pull_requests"] = "read"
    with pytest.raises(CannotPublish, match=re.escape(told)):
        found.publisher(server.token(**less)).publish(found.pull.number)


def test_a_revoked_token(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    publisher = found.publisher()
    server.revoke(found.token)
    with pytest.raises(CannotPublish, match="revoked"):
        publisher.publish(found.pull.number)


@pytest.mark.parametrize(("status", "told"), [(404, "does not find it"), (422, "does not take it")])
def test_a_refused_write_ends_it_in_words(server: GitHubServer, status: int, told: str) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    server.faults.respond("POST", r"/issues/\d+/comments", status)
    with pytest.raises(CannotPublish, match=told):
        found.publisher().publish(found.pull.number)
    found.publisher().publish(found.pull.number)
    assert len(found.comments) == 1


def test_a_forged_marker_is_nobody_s_comment(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    forged = server.add_comment(found.pull, "contributor", f"{MARKER}\n### ✅ All fine")
    found.publisher().publish(found.pull.number)
    assert forged.body.endswith("All fine")
    assert len(server.comments(found.pull, "github-actions[bot]")) == 1


@pytest.mark.parametrize(("when_green", "left"), [("collapse", 1), ("delete", 0), ("silent", 0)])
def test_when_green(server: GitHubServer, when_green: str, left: int) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    found.publisher(when_green=when_green).publish(found.pull.number)
    assert len(found.comments) == left
    found.push({PATH: MOVED})
    found.publisher(when_green=when_green).publish(found.pull.number)
    assert len(found.comments) == 1
    found.push({PATH: GOOD})
    found.publisher(when_green=when_green).publish(found.pull.number)
    # A comment that said what was wrong is never left standing.
    assert ["multicontrolnet" in body for body in found.comments] == ([] if when_green == "delete" else [False])


def test_no_pipeline_file_no_comment(server: GitHubServer) -> None:
    found = scene(server, {"src/setup.py": b"x = 1\n"})
    found.job(content=b"")
    outcome = found.publisher().publish(found.pull.number)
    assert outcome is not None
    assert outcome.empty
    assert found.comments == []
    assert [run.conclusion for run in found.check_runs] == ["success"]


def test_a_closed_pull_request_is_left_alone(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    server.edit_pull(found.pull, state="closed")
    assert found.publisher().publish(found.pull.number) is None
    assert [r.path for r in server.writes()] == ["/graphql"]


def test_what_loaded_before(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED}, base={PATH: GOOD})
    found.job()
    found.publisher().publish(found.pull.number)
    (row,) = [line for line in found.comment.splitlines() if line.startswith("|") and PATH in line]
    assert "0.41" not in row.split("|")[2]
    assert "0.4" in row.split("|")[3]


def test_labels(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    found.publisher(labels=True).publish(found.pull.number)
    assert found.pull.labels == ["cpipe-check: ok"]
    found.push({PATH: MOVED})
    found.publisher(labels=True).publish(found.pull.number)
    assert found.pull.labels == ["cpipe-check: needs work"]
