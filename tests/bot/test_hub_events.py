"""What the webhook's payloads ask for; hostile ones ask for nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.hub import BOT, GOOD, scene
from cpipe_bot.hub.events import works
from cpipe_bot.jobs.work import Work
from hub_server import Hub, payloads

OLD, NEW = "0" * 40, "1" * 40


def _works(body: bytes) -> tuple[Work, ...]:
    return works(body, "9.9", BOT)


def test_a_push(hub: Hub) -> None:
    found = scene(hub)
    sha = hub.push(found.repo, {"pipeline.py": GOOD})
    body = payloads.content(hub.state, found.repo, ("refs/heads/main", OLD, sha), ("refs/tags/v1", None, sha))
    assert _works(body) == (Work("model", "alice/pipe", "refs/heads/main", sha, "9.9", "push"),)


def test_a_pull_request_is_asked_for_once(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    sha = found.repo.refs[pull.ref]
    opened = payloads.discussion(hub.state, found.repo, pull)
    pushed = payloads.content(hub.state, found.repo, (pull.ref, None, sha))
    assert _works(opened) == ()
    assert _works(pushed) == (Work("model", "alice/pipe", "refs/pr/1", sha, "9.9", "pull request", 1),)
    # What it asks for can be done.
    assert found.do(_works(pushed)[0]).discussion == 1


def test_a_data_set_and_an_old_payload_without_refs(hub: Hub) -> None:
    repo = hub.repo("alice/mirror", {"main/a.py": GOOD}, "dataset")
    body = json.loads(payloads.content(hub.state, repo))
    del body["updatedRefs"]
    (work,) = _works(json.dumps(body).encode())
    assert (work.repo_type, work.ref, work.sha) == ("dataset", "refs/heads/main", repo.refs["refs/heads/main"])


def test_commands(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    talk = hub.open_discussion(found.repo, "bob", "/cpipe-check")
    event = hub.comment(pull, "bob", "/cpipe-check explain CP301\nplease")
    (work,) = _works(payloads.comment(hub.state, found.repo, pull, event))
    assert work == Work("model", "alice/pipe", "refs/pr/1", "", "9.9", "command", 1, event.id)
    (work,) = _works(payloads.discussion(hub.state, found.repo, talk))
    assert (work.ref, work.discussion, work.comment) == ("refs/heads/main", 2, talk.comments[0].id)
    assert found.do(work).conclusion == "neutral"


def test_who_asks_for_a_gpu(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    for text, queue in (("/cpipe-check GPU \nplease", "gpu"), ("/cpipe-check", "cpu"), ("/cpipe-check gpu 0", "cpu")):
        body = payloads.comment(hub.state, found.repo, pull, hub.comment(pull, "bob", text))
        (work,) = works(body, "1", BOT, has_gpu=True)
        assert work.queue == queue
        (without,) = works(body, "1", BOT)
        assert (without.queue, without.key) == ("cpu", work.key)
    body = payloads.content(hub.state, found.repo, ("refs/heads/main", OLD, NEW))
    assert works(body, "1", BOT, has_gpu=True)[0].queue == "cpu"


def test_what_asks_for_nothing(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    command = hub.comment(pull, "bob", "/cpipe-check")
    own = hub.comment(pull, BOT, "/cpipe-check")
    bodies = [
        payloads.content(hub.state, found.repo, ("refs/heads/main", OLD, None)),
        payloads.content(hub.state, found.repo, ("refs/heads/other", OLD, NEW)),
        payloads.content(hub.state, found.repo, ("refs/convert/parquet", OLD, NEW)),
        payloads.comment(hub.state, found.repo, pull, hub.comment(pull, "bob", "nice /cpipe-check")),
        payloads.comment(hub.state, found.repo, pull, command, action="update"),
        payloads.discussion(hub.state, found.repo, pull, action="update"),
    ]
    for body in bodies:
        assert _works(body) == ()
    assert works(payloads.comment(hub.state, found.repo, pull, own), "1", hub.state.user(BOT).id) == ()
    found.repo.private = True
    assert _works(payloads.comment(hub.state, found.repo, pull, command)) == ()


def _changed(base: dict[str, Any], path: str, value: Any) -> bytes:
    """A payload with another value at a path."""
    copy = json.loads(json.dumps(base))
    at = copy
    *parents, last = path.split(".")
    for each in parents:
        at = at[int(each)] if isinstance(at, list) else at[each]
    at[int(last) if isinstance(at, list) else last] = value
    return json.dumps(copy).encode()


_NAMES = (
    *(
        "../../etc/passwd",
        "alice/..",
        "a/b/c",
        "alice",
        "alice/pipe?x=1",
        "alice/pipe#x",
        "alice/%2e%2e",
        "é/x",
        "a b/c",
    ),
    *("alice/pipe\n", "alice//pipe", "http://evil.example/x", "-a/b", "alice/pipe.git", "a/" + "b" * 500, ""),
    *(7, None, ["a"]),
)
_SHAS = ("main", "1" * 39, "1" * 41, "A" * 40, "../" + "1" * 37, "1" * 39 + "\n", 7, ["1" * 40])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(("repo.name", name) for name in _NAMES),
        *(("updatedRefs.0.newSha", sha) for sha in _SHAS),
        ("updatedRefs", [{"ref": "refs/heads/main", "newSha": NEW}] * 2000),
        ("updatedRefs", {"ref": "x"}),
        ("updatedRefs.0.ref", "r" * 5000),
        ("event", "repo.content"),
        ("event.scope", "s" * 100),
        ("repo", []),
        ("repo.private", "no"),
    ],
)
def test_hostile_values(hub: Hub, path: str, value: Any) -> None:
    found = scene(hub)
    base = json.loads(payloads.content(hub.state, found.repo, ("refs/heads/main", OLD, NEW)))
    with pytest.raises(ValueError, match=r"\A[^\n]{1,200}\Z"):
        _works(_changed(base, path, value))


@pytest.mark.parametrize(
    "ref", ["refs/heads/../pr/1", "refs/pr/0", "refs/pr/01", "refs/pr/1/x", "refs/pr/9999999999", "main", "refs/pr/१"]
)
def test_hostile_refs_are_none_of_ours(hub: Hub, ref: str) -> None:
    found = scene(hub)
    assert _works(payloads.content(hub.state, found.repo, (ref, OLD, NEW))) == ()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("comment.id", "../../edit"),
        ("comment.id", "zz"),
        ("comment.id", 7),
        ("discussion.num", -1),
        ("discussion.num", 0),
        ("discussion.num", "1"),
        ("discussion.num", 10**30),
        ("discussion.num", True),
        ("discussion.isPullRequest", 1),
        ("discussion", None),
        ("comment.content", 7),
    ],
)
def test_hostile_comments(hub: Hub, path: str, value: Any) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    event = hub.comment(pull, "bob", "/cpipe-check")
    base = json.loads(payloads.comment(hub.state, found.repo, pull, event))
    with pytest.raises(ValueError, match=r"\A[^\n]{1,200}\Z"):
        _works(_changed(base, path, value))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"NaN",
        b'{"event": {}}',
        b"[" * 500_000,
        b'{"a":' * 200_000,
        b'{"event":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"repo": "' + b"x" * 2_000_000 + b'"}',
        b"1" * 900_000,
    ],
    ids=range(12),
)
def test_bombs(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]{1,200}\Z"):
        _works(body)


def test_addresses_in_a_payload_are_not_looked_at(hub: Hub) -> None:
    found = scene(hub)
    sha = found.repo.refs["refs/heads/main"]
    base = json.loads(payloads.content(hub.state, found.repo, ("refs/heads/main", OLD, sha)))
    base["repo"]["url"] = {"web": "file:///etc/passwd", "api": f"{hub.url}/evil"}
    (work,) = _works(json.dumps(base).encode())
    found.do(work)
    assert not hub.calls(containing="evil")
