"""Whatever request goes wrong, before or after it took effect: there is one answer in the end, and the newest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from bot.hub import BAD, BOT, FILES, GOOD, Scene, scene
from cpipe_bot.hub import checking, client
from cpipe_bot.jobs.work import Done, GiveUp, TryAgain, Work
from cpipe_check.checker import check
from cpipe_check.report.model import Report
from cpipe_check.snapshot import hub as snapshot
from cpipe_check.submission import Collection
from hub_server import Hub
from loopback import Request


@pytest.fixture(autouse=True)
def _checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files are checked once in all of these tests: they are about the requests."""
    monkeypatch.setattr(checking, "check", _check)


def _check(collection: Collection, smoke: None) -> Report:
    key = tuple((each.path, each.content) for each in collection.submissions)
    if key not in _reports:
        _reports[key] = check(collection, smoke)
    return _reports[key]


_reports: dict[tuple[tuple[str, bytes], ...], Report] = {}


def _first_pull(found: Scene) -> str:
    return found.hub.open_pr(found.repo, "bob", {"pipeline.py": BAD}).ref


def _second_pull(found: Scene) -> str:
    pull = found.hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    found.do(found.work(pull.ref))
    found.hub.update_pr(found.repo, pull, {"pipeline.py": GOOD})
    return pull.ref


def _first_push(found: Scene) -> str:
    found.hub.push(found.repo, {"pipeline.py": BAD})
    return "refs/heads/main"


def _mended(found: Scene) -> str:
    _first_push(found)
    found.do()
    found.hub.push(found.repo, {"pipeline.py": GOOD})
    return "refs/heads/main"


def _broken_again(found: Scene) -> str:
    _mended(found)
    found.do()
    found.hub.push(found.repo, {"pipeline.py": BAD + b"# again\n"})
    return "refs/heads/main"


STORIES: dict[str, Callable[[Scene], str]] = {
    "a pull request": _first_pull,
    "an updated pull request": _second_pull,
    "a bad push": _first_push,
    "a good push": _mended,
    "a bad push again": _broken_again,
}


def _persist(found: Scene, work: Work) -> Done:
    """Do it as the jobs do: again while it may pass."""
    for _ in range(5):
        try:
            return found.do(work)
        except TryAgain:
            continue
    raise AssertionError("it never came to an end")


def _right(found: Scene, story: str, sha: str) -> None:
    """Whether there is exactly one answer, about this commit, and in the right state."""
    if "pull" in story:
        (text,) = found.answers(next(d for d in found.repo.discussions.values() if d.is_pull_request))
        assert not found.discussions
    else:
        text = found.main
        assert found.discussion.status == ("closed" if story == "a good push" else "open")
    assert sha in text
    assert ("❌" in text) == (story not in ("a good push", "an updated pull request"))
    assert [d.author for d in found.repo.discussions.values() if d.author == BOT] == [BOT] * len(found.discussions)


def _requests_of(story: str) -> list[Request]:
    """The requests of a run in which nothing goes wrong."""
    with Hub() as hub:
        found = scene(hub)
        ref = STORIES[story](found)
        count = len(hub.requests)
        found.do(found.work(ref))
        return hub.requests[count:]


def _pattern(request: Request) -> str:
    # The shas are others in another run.
    return re.sub(r"[0-9a-f]{40}|(?<=comment/)[0-9a-f]+", "[0-9a-f]+", re.escape(request.path)) + "$"


def _fail(hub: Hub, kind: str, request: Request, skip: int, after: bool) -> None:
    match kind:
        case "lost":
            hub.faults.reset(request.method, _pattern(request), skip=skip, after=after)
        case "no answer":
            hub.faults.hang(request.method, _pattern(request), skip=skip, after=after)
        case status:
            hub.faults.respond(request.method, _pattern(request), int(status), skip=skip, after=after)


FAULTS = ("lost", "500", "no answer", "429")


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(client, "SECONDS", 0.5)
    monkeypatch.setattr(snapshot, "_PATIENCE", 0.5)
    client.set_client_factory(client._bounded)
    yield
    monkeypatch.undo()
    client.set_client_factory(client._bounded)


# In four rounds each request fails in each way.
@pytest.mark.parametrize("first", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.usefixtures("_impatient")
def test_every_request_fails_once(story: str, after: bool, first: int) -> None:
    asked = _requests_of(story)
    assert len(asked) >= 7
    for index, request in enumerate(asked):
        earlier = sum(r.method == request.method and r.path == request.path for r in asked[:index])
        with Hub() as hub:
            found = scene(hub)
            work = found.work(STORIES[story](found))
            _fail(hub, FAULTS[(index + first) % len(FAULTS)], request, earlier, after)
            _persist(found, work)
            # Delivered twice, as may happen.
            _persist(found, work)
            assert not hub.faults.pending, (request.method, request.path)
            _right(found, story, work.sha)
            assert not hub.violations


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", ["a pull request", "a bad push", "a good push"])
def test_broken_off_at_a_write_while_a_push_comes(hub: Hub, story: str, after: bool) -> None:
    found = scene(hub)
    ref = STORIES[story](found)
    work = found.work(ref)
    hub.faults.reset("POST", "/discussions", after=after)
    with pytest.raises(TryAgain):
        found.do(work)
    newest = hub.push(found.repo, {"pipeline.py": BAD + b"# newest\n"}, ref)
    # The newer one's job comes first, then the old one again, or only the old one is left to do anything.
    for order in ([found.work(ref), work], [work, found.work(ref)]):
        for each in order:
            _persist(found, each)
        text = found.answers(found.repo.discussions[1])[0] if "pull" in story else found.main
        assert newest in text


def test_a_stale_answer_whose_writer_died_is_mended_by_its_own_job(hub: Hub) -> None:
    """The newest commit was answered already when the old answer landed on top of it."""
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    found.do(found.work(pull.ref))
    hub.update_pr(found.repo, pull, {"pipeline.py": BAD + b"# old\n"})
    work = found.work(pull.ref)

    def meanwhile(_: Request) -> None:
        hub.update_pr(found.repo, pull, {"pipeline.py": GOOD})
        found.do(found.work(pull.ref))

    hub.on("POST", "/edit$", meanwhile)
    # The first edit to be done is the newest's.
    hub.faults.reset("POST", "/edit$", skip=1, after=True)
    with pytest.raises(TryAgain):
        found.do(work)
    assert work.sha in found.answers(pull)[0]
    assert found.do(work).superseded
    assert found.repo.refs[pull.ref] in found.answers(pull)[0]


@pytest.mark.usefixtures("_impatient")
def test_hanging_is_not_for_ever(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    work = found.work()
    hub.faults.hang("POST", "/discussions$")
    with pytest.raises(TryAgain, match="Timeout"):
        found.do(work)
    hub.faults.released.set()
    found.do(work)
    assert len(found.discussions) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}, 56),
        ({"Retry-After": "120"}, 120),
        ({}, 60),
        ({"Retry-After": "99999999999"}, 60),
    ],
)
@pytest.mark.parametrize("path", ["/api/models/alice/pipe$", "/discussions$"])
def test_asked_to_wait(hub: Hub, headers: dict[str, str], seconds: float, path: str) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    hub.faults.respond("*", path, 429, headers=headers)
    with pytest.raises(TryAgain) as raised:
        found.do()
    assert raised.value.seconds == seconds


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>maintenance</html>", TryAgain),
        (200, {"unexpected": 1}, TryAgain),
        (200, [], TryAgain),
        (503, None, TryAgain),
        (409, None, TryAgain),
        (403, None, GiveUp),
        (413, None, GiveUp),
    ],
)
def test_strange_answers(hub: Hub, status: int, body: object, kind: type[Exception]) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    for path in ("/api/models/alice/pipe$", "/discussions$"):
        hub.faults.respond("*", path, status, body)
        with pytest.raises(kind):
            found.do()


def test_the_bot_may_not_write(hub: Hub) -> None:
    found = scene(hub, FILES)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    hub.faults.respond("POST", "/comment$", 403, times=9)
    with pytest.raises(GiveUp, match="403"):
        found.do(found.work(pull.ref))
