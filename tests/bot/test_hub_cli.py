"""`cpipe-bot hub ...` as a process: a check now, and the webhook that is made once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bot.hub import BAD, FILES, GOOD, Scene, scene
from hub_server import Hub

SECRET = "a secret of the webhook"
URL = "https://bot.example/webhooks/hub"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "CPIPE_", "HUGGING"))}


def _run(found: Scene, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    told = {"HF_ENDPOINT": found.hub.url, "HF_TOKEN": found.settings.token, "CPIPE_WEBHOOK_SECRET": SECRET}
    command = [sys.executable, "-m", "cpipe_bot", "hub", *arguments]
    env = CLEAN | told | environment
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)


def test_a_check_now(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": BAD})
    done = _run(found, "check", "alice/pipe", "--ref", "refs/pr/1", "--static-only")
    assert done.returncode == 1, done.stderr
    assert "CP202" in done.stdout
    assert done.stdout.endswith("(discussion 1)\n")
    assert len(found.answers(pull)) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("check", "alice/pipe", "--static-only", "--dry-run"), 0, "nothing was written"),
        (("check", "alice/none", "--static-only"), 3, "gone"),
        (("check", "alice/pipe", "--ref", "refs/pr/9", "--static-only"), 3, "has no refs/pr/9"),
        (("check", "alice/../x"), 2, "no repository"),
        (("check", "alice/pipe", "--ref", "v1"), 2, "neither main nor"),
        (("watch", "alice/pipe", "--url", "http://bot.example"), 2, "https://"),
    ],
)
def test_what_it_says(hub: Hub, arguments: tuple[str, ...], code: int, said: str) -> None:
    found = scene(hub)
    done = _run(found, *arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert found.settings.token not in done.stdout + done.stderr
    assert hub.writes() == []


def test_a_place_that_is_none_runs_nothing(hub: Hub) -> None:
    done = _run(scene(hub), "check", "alice/pipe", "--dry-run", CPIPE_SMOKE="of")
    assert (done.returncode, done.stdout) == (3, "")
    assert "CPIPE_SMOKE is neither local nor hf-jobs nor off" in done.stderr
    assert hub.requests == []


def test_watching_is_asked_for_once(hub: Hub) -> None:
    found = scene(hub)
    hub.repo("alice/other", FILES)
    said = [
        _run(found, "watch", name, "--url", URL).stdout.split()[-1]
        for name in ("alice/pipe", "alice/pipe", "alice/other")
    ]
    assert said == ["made", "there", "extended"]
    (webhook,) = hub.state.webhooks.values()
    assert webhook.watched == [{"type": "model", "name": "alice/pipe"}, {"type": "model", "name": "alice/other"}]
    assert (webhook.url, webhook.secret, webhook.domains) == (URL, SECRET, ["repo", "discussion"])


def test_watching_after_a_lost_answer(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": GOOD})
    hub.faults.reset("POST", "/webhooks$")
    assert _run(found, "watch", "alice/pipe", "--url", URL).returncode == 3
    assert _run(found, "watch", "alice/pipe", "--url", URL).stdout.endswith("there\n")
    assert len(hub.state.webhooks) == 1
