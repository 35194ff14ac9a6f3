"""The whole server: a delivery by HTTP, the check, the answer on the Hub, the pages; and started again after a kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bot.hub import BAD, BOT, FILES, Scene, scene
from bot.jobs.server import free_port
from hub_server import Hub, payloads
from hub_server.model import Discussion

SECRET = "a secret of the webhook"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("CPIPE_", "HF_"))}


class Serving:
    """`cpipe-bot serve` as a process."""

    def __init__(self, found: Scene, data: Path, **variables: str) -> None:
        self.port = free_port()
        environment = {"HF_ENDPOINT": found.hub.url, "HF_TOKEN": found.settings.token, "CPIPE_SMOKE": "off"}
        environment |= {"CPIPE_WEBHOOK_SECRET": SECRET, **variables}
        command = [sys.executable, "-m", "cpipe_bot", "serve", "--data", str(data), "--port", str(self.port)]
        self.process = subprocess.Popen(command, env=CLEAN | environment, stderr=subprocess.DEVNULL)
        until(self.ready)

    def ready(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.get("/readyz") != ""
        except urllib.error.URLError:
            return False

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def deliver(self, body: bytes, secret: str = SECRET) -> int:
        headers = {"X-Webhook-Secret": secret, "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}/webhooks/hub"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


def until(true: object, seconds: float = 60) -> None:
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)


@pytest.fixture
def found(hub: Hub) -> Scene:
    return scene(hub, {**FILES, "pipeline.py": BAD})


def _push(found: Scene) -> bytes:
    sha = found.repo.refs["refs/heads/main"]
    return payloads.content(found.hub.state, found.repo, ("refs/heads/main", None, sha))


def test_a_push_is_answered_once_and_shown(found: Scene, tmp_path: Path) -> None:
    serving = Serving(found, tmp_path)
    try:
        assert serving.deliver(_push(found), "another secret of mine") == 401
        assert [serving.deliver(_push(found)) for _ in range(3)] == [202, 200, 200]
        until(lambda: found.discussions)
        assert "CP202" in found.main
        until(lambda: "will not load" in serving.get("/"))
        assert "alice/pipe" in serving.get("/repos/alice/pipe")
        assert "<svg" in serving.get("/badge/alice/pipe.svg")
        # Killed and started again, it knows the delivery.
        serving.stop(signal.SIGKILL)
        serving = Serving(found, tmp_path)
        assert serving.deliver(_push(found)) == 200
        assert len(found.discussions) == 1
        assert found.discussion.author == BOT
        assert serving.stop() == 0
    finally:
        serving.process.kill()


def test_a_worker_for_a_gpu_that_nobody_has(found: Scene) -> None:
    environment = {"HF_ENDPOINT": found.hub.url, "HF_TOKEN": found.settings.token}
    command = [
        sys.executable,
        "-m",
        "cpipe_bot",
        "worker",
        "--database",
        "postgresql://u@127.0.0.1:1/n",
        "--queue",
        "gpu",
    ]
    for more, code, told in (({}, 2, "CPIPE_GPU=1"), ({"CPIPE_GPU": "1"}, 3, "the database failed")):
        done = subprocess.run(command, env=CLEAN | environment | more, capture_output=True, text=True, check=False)
        assert (done.returncode, told in done.stderr) == (code, True), done.stderr


@pytest.mark.slow
def test_sixty_pull_requests_and_six_kills(hub: Hub, tmp_path: Path) -> None:
    """The real answers under the kills: of what was accepted nothing is lost, and nothing is answered twice."""
    scenes = [scene(hub, name=f"owner{number % 20}/pipe{number}") for number in range(60)]
    pulls = [hub.open_pr(each.repo, "bob", {"pipeline.py": BAD}) for each in scenes]
    both = list(zip(scenes, pulls, strict=True))
    dice = random.Random(3)
    serving = Serving(scenes[0], tmp_path)
    try:
        for number, (one, pull) in enumerate([*both, *dice.sample(both, 20)], 1):
            if number > len(both):
                hub.update_pr(one.repo, pull, {"pipeline.py": BAD + b"# %d\n" % number})
            body = payloads.content(hub.state, one.repo, (pull.ref, None, one.repo.refs[pull.ref]))
            for _ in range(1 + (dice.random() < 0.1)):
                assert serving.deliver(body) in (200, 202)
            if number % 13 == 0:
                serving.stop(signal.SIGKILL)
                serving = Serving(scenes[0], tmp_path)
        until(lambda: all(_is_answered(one, pull) for one, pull in both), 600)
        assert serving.stop() == 0
    finally:
        serving.process.kill()
    assert [len(one.answers(pull)) for one, pull in both] == [1] * 60


def _is_answered(one: Scene, pull: Discussion) -> bool:
    texts = one.answers(pull)
    return bool(texts) and one.repo.refs[pull.ref] in texts[0]
