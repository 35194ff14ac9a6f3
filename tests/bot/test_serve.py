"""The whole server: a delivery by HTTP, the check, the answer on the Hub, the pages; and started again after a kill."""

from __future__ import annotations

import os
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
