"""Nothing that was answered with 2xx is lost, and nothing is answered twice, whatever is killed and whenever."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.jobs.comments import Comments
from bot.jobs.server import Server, delivery, free_port, post


class _Killed:
    """A server that is killed and started again while it is delivered to."""

    def __init__(self, database: str, comments: Comments, workers: int) -> None:
        self._arguments = (database, comments.url, free_port(), workers)
        self.port = self._arguments[2]
        self.server = Server(*self._arguments)
        self.server.wait()

    def kill(self) -> None:
        self.server.kill()
        self.server = Server(*self._arguments)
        self.server.wait()

    def deliver(self, repo: str) -> int:
        """Return the status, 0 when it was killed before it answered."""
        while True:
            try:
                return post(self.port, delivery(repo))
            except ConnectionRefusedError:
                time.sleep(0.05)
            except OSError as error:
                if "refused" not in str(error):
                    return 0
                time.sleep(0.05)


def _run(database: str, comments: Comments, deliveries: int, kills: int, workers: int) -> None:
    dice = random.Random(7)
    names = [f"o{number % 50}/r{number}" for number in range(deliveries * 9 // 10)]
    sent = names + dice.sample(names, deliveries - len(names))
    dice.shuffle(sent)
    killed = _Killed(database, comments, workers)
    # Most while it accepts, the others while it works off what is left.
    early = sorted(dice.sample(range(1, deliveries), kills * 2 // 3))
    answers: list[tuple[str, int]] = []
    guard = threading.Lock()

    def deliver(repo: str) -> None:
        status = killed.deliver(repo)
        with guard:
            answers.append((repo, status))

    try:
        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(deliver, repo) for repo in sent]
            for point in early:
                while len(answers) < point:
                    time.sleep(0.005)
                killed.kill()
            for future in futures:
                future.result()
        for _ in range(kills - len(early)):
            time.sleep(dice.uniform(0.1, 0.8))
            killed.kill()
        answered = {repo for repo, status in answers if status in {200, 202}}
        assert {status for _, status in answers} <= {0, 200, 202}
        _wait(comments, {f"{repo}@{'a' * 40}" for repo in answered}, killed)
        assert killed.server.stop() == 0
    finally:
        killed.server.kill()
    assert len(answered) > deliveries * 0.6
    assert max(comments.made.values()) == 1


def _wait(comments: Comments, expected: set[str], killed: _Killed) -> None:
    last, since = -1, time.monotonic()
    while missing := expected - comments.made.keys():
        if len(missing) != last:
            last, since = len(missing), time.monotonic()
        assert time.monotonic() - since < 60, f"{len(missing)} lost; {killed.server.log()[-2000:]}"
        time.sleep(0.1)


def test_some(database: str, comments: Comments) -> None:
    _run(database, comments, 100, 3, 8)


@pytest.mark.slow
def test_many(database: str, comments: Comments) -> None:
    _run(database, comments, 1000, 10, 16)
