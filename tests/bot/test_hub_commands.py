"""Commands in comments on the Hub: who may give them, what is answered, and that no bot talks to another for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.hub import BAD, BOT, GOOD, scene
from cpipe_bot.hub.checking import Checked, check_commit
from cpipe_bot.hub.settings import HubSettings
from cpipe_bot.jobs.work import Queue
from cpipe_check.smoke.run import SmokeOptions
from hub_server import Hub

MOVED = GOOD.replace(b"import torch\n", b"import torch\nfrom diffuser import AutoencoderKL\n", 1)


def test_the_author_asks_to_check_again(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    done = found.ask(pull, "bob", "/cpipe-check")
    assert (done.conclusion, done.discussion) == ("failure", pull.num)
    (answer,) = found.answers(pull)
    assert "`bob` asked](" in answer
    assert f"/alice/pipe/discussions/{pull.num}#{pull.comments[1].id}" in answer


def test_explaining_checks_nothing_again(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    found.do(found.work(pull.ref))
    (before,) = found.answers(pull)
    fetched = len(hub.calls(containing="/resolve/"))
    found.ask(pull, "alice", "/cpipe-check explain CP202")
    (answer,) = found.answers(pull)
    assert "CP202 super-init-misspelt means" in answer
    assert len(hub.calls(containing="/resolve/")) == fetched
    assert answer.partition("<!-- cpipe-check:asked -->")[0] == before.partition("<!-- cpipe-check:asked -->")[0]
    # It is made anew from the comments, with the newer commit.
    hub.update_pr(found.repo, pull, {"pipeline.py": GOOD})
    found.do(found.work(pull.ref))
    (answer,) = found.answers(pull)
    assert "CP202 super-init-misspelt means" in answer
    assert "✅" in answer


def test_the_fixes_as_a_patch(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": MOVED})
    found.ask(pull, "bob", "/cpipe-check fix")
    (answer,) = found.answers(pull)
    assert "+from diffusers import AutoencoderKL" in answer
    assert "+++ pipeline.py" in answer


def test_members_may_and_strangers_are_refused_once(hub: Hub) -> None:
    hub.org("org", "carol")
    found = scene(hub, name="org/pipe")
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    found.do(found.work(pull.ref))
    fetched = len(hub.calls(containing="/resolve/"))
    for _ in range(3):
        found.ask(pull, "mallory", "/cpipe-check")
        found.ask(pull, "eve", "/cpipe-check explain CP301")
    (answer,) = found.answers(pull)
    assert answer.count("sorry, commands are for people with write access") == 2
    assert len(hub.calls(containing="/resolve/")) == fetched
    found.ask(pull, "carol", "/cpipe-check")
    (answer,) = found.answers(pull)
    assert "`carol` asked](" in answer


def test_a_stranger_makes_us_open_nothing(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD, "README.md": b""})
    talk = hub.open_discussion(found.repo, "mallory", "hello")
    done = found.ask(talk, "mallory", "/cpipe-check")
    assert done.conclusion == "neutral"
    assert hub.writes() == []


def test_the_owner_asks_for_main(hub: Hub) -> None:
    found = scene(hub)
    talk = hub.open_discussion(found.repo, "bob", "does it load?")
    done = found.ask(talk, "alice", "/cpipe-check")
    assert done.conclusion == "success"
    assert found.discussion.num == done.discussion == 2
    assert "`alice` asked](" in found.main
    assert len(talk.comments) == 2


def test_a_gpu_that_there_is_not(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    found.ask(pull, "bob", "/cpipe-check gpu")
    assert "there is none here" in found.answers(pull)[0]


@pytest.mark.parametrize(("queue", "device"), [("gpu", "cuda"), ("cpu", "cpu")])
def test_a_gpu_that_there_is(hub: Hub, monkeypatch: pytest.MonkeyPatch, queue: Queue, device: str) -> None:
    """It is for the jobs of its queue; one that waited for it in vain is done without, and that is said."""
    devices: list[str] = []

    def checked(settings: HubSettings, *arguments: Any) -> Checked:
        *before, smoke, answers, _ = arguments
        devices.append(smoke.device)
        return check_commit(settings, *before, None, answers)

    monkeypatch.setattr("cpipe_bot.hub.handle.check_commit", checked)
    found = scene(hub)
    found.settings = replace(found.settings, smoke=SmokeOptions(device="cpu"), gpu=SmokeOptions(device="cuda"))
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    asked = found.command(pull, hub.comment(pull, "bob", "/cpipe-check gpu"))
    found.do(replace(asked, queue=queue))
    assert devices == [device]
    (answer,) = found.answers(pull)
    assert ("there is none here" in answer) == (queue == "cpu")
    assert ("to check on a GPU." in answer) == (queue == "gpu")
    # Who has changed their mind since is not checked on one.
    found.do(replace(found.command(pull, hub.comment(pull, "bob", "/cpipe-check")), queue=queue))
    assert devices == [device, "cpu"]


@pytest.mark.parametrize("text", ["/cpipe-check dance", "/cpipe-check explain @everyone"])
def test_what_is_no_command(hub: Hub, text: str) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    found.do(found.work(pull.ref))
    found.ask(pull, "bob", text)
    (answer,) = found.answers(pull)
    assert "what is no command" in answer or "there is no such rule" in answer


def test_a_command_that_was_hidden_or_is_of_a_bot(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    event = hub.comment(pull, "bob", "/cpipe-check")
    event.hidden_by = "alice"
    assert "no command" in found.do(found.command(pull, event)).headline
    hub.state.user("ci").app = "Some app"
    for name in ("librarian-bot", "bot-of-somebody", "ci", BOT):
        assert "no command" in found.ask(pull, name, "/cpipe-check").headline
    assert hub.writes() == []


def test_another_bot_that_answers_everything(hub: Hub) -> None:
    """It takes part as the repository's owner, and quotes us; we still only edit one comment."""
    found = scene(hub)
    pull = hub.open_pr(found.repo, "alice", {"pipeline.py": BAD})
    for _ in range(10):
        found.ask(pull, "alice", "/cpipe-check")
        found.ask(pull, "alice", f"You said:\n{found.answers(pull)[0]}\n/cpipe-check")
    assert len(found.answers(pull)) == 1
    assert sum(comment.author == BOT for comment in pull.comments) == 1
    posted = [r for r in hub.writes() if r.path.endswith("/comment")]
    assert len(posted) == 1


def test_many_fixes_asked_for_stay_within_the_bounds(hub: Hub) -> None:
    lines = b"".join(b"from diffuser import AutoencoderKL as Renamed%04d\n" % n for n in range(120))
    found = scene(hub)
    pull = hub.open_pr(
        found.repo, "bob", {"pipeline.py": GOOD.replace(b"import torch\n", lines + b"import torch\n", 1)}
    )
    for _ in range(6):
        hub.comment(pull, "bob", "/cpipe-check fix")
    found.ask(pull, "bob", "/cpipe-check fix")
    (answer,) = found.answers(pull)
    assert len(answer.encode()) <= 65_000
    assert answer.count("<details>") == answer.count("</details>")
    assert answer.rstrip().endswith("</sub>")
