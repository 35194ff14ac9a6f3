"""Suggestions: on lines of the diff, made once, taken away when the text is another."""

from __future__ import annotations

import pytest

from bot.publishing import GOOD, MOVED, PATH, scene
from github_server import GitHubServer


def test_a_moved_import_is_suggested_once(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    for _ in range(3):
        found.publisher().publish(found.pull.number)
    (comment,) = server.review_comments(found.pull)
    assert (comment.path, comment.line) == (PATH, 3)
    assert (
        "```suggestion\nfrom diffusers.models.controlnets.multicontrolnet import MultiControlNetModel\n```"
        in comment.body
    )
    assert [review.state for review in server.reviews(found.pull)] == ["COMMENTED"]


def test_it_stays_while_only_other_lines_change(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    found.publisher().publish(found.pull.number)
    (before,) = server.review_comments(found.pull)
    found.push({PATH: b"# a first line\n" + MOVED})
    found.publisher().publish(found.pull.number)
    (after,) = server.review_comments(found.pull)
    assert (before.id, after.line) == (after.id, 4)


def test_it_goes_when_it_was_taken(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    found.publisher().publish(found.pull.number)
    assert server.review_comments(found.pull)
    found.push({PATH: GOOD})
    found.publisher().publish(found.pull.number)
    assert server.review_comments(found.pull) == []


def test_a_line_outside_of_the_diff_gets_none(server: GitHubServer) -> None:
    long = MOVED + b"\n" * 40 + b"x = 1\n"
    found = scene(server, {PATH: long + b"y = 2\n"}, base={PATH: long})
    found.job()
    found.publisher().publish(found.pull.number)
    assert "multicontrolnet" in found.comment
    assert server.review_comments(found.pull) == []


def test_somebody_else_s_marker_is_left_alone(server: GitHubServer) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    found.publisher().publish(found.pull.number)
    (ours,) = server.review_comments(found.pull)
    ours.author = "contributor"
    found.push({PATH: GOOD})
    found.publisher().publish(found.pull.number)
    assert [each.author for each in server.review_comments(found.pull)] == ["contributor"]


@pytest.mark.parametrize("hostile", [b"# ```\n", b"# ~~~ <img src=x> @everyone\n"])
def test_hostile_text_on_the_line_stays_in_the_fence(server: GitHubServer, hostile: bytes) -> None:
    content = MOVED.replace(b"import MultiControlNetModel\n", b"import MultiControlNetModel  " + hostile)
    found = scene(server, {PATH: content})
    found.job()
    found.publisher().publish(found.pull.number)
    for comment in server.review_comments(found.pull):
        fence, _, rest = comment.body.partition("suggestion\n")
        fence = fence.rsplit("\n", 1)[1]
        assert fence.strip("`") == ""
        assert rest.endswith("\n" + fence)
        assert fence not in rest[: -len(fence)]
