"""The real server and the real worker with a stand-in for the Hub's side, as a process: `python server.py KIND ...`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SECRET = "a secret of the tests"
ROOT = Path(__file__).resolve().parents[3]


def delivery(repo: str, sha: str = "a" * 40, ref: str = "refs/heads/main", queue: str = "cpu") -> bytes:
    return json.dumps({"repo": repo, "ref": ref, "sha": sha, "queue": queue}).encode()


def post(port: int, body: bytes, secret: str = SECRET, timeout: float = 30) -> int:
    """Deliver, and return the status; raises `OSError` when there is no answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/webhooks/hub", body, {"X-Webhook-Secret": secret, "Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Server:
    """A process that serves, or works where `port` is 0."""

    def __init__(
        self, database: str, comments: str, port: int, workers: int = 4, seconds: float = 0.0, queues: str = "cpu gpu"
    ) -> None:
        self.port = port
        path = os.pathsep.join([str(ROOT / "checks"), str(ROOT / "bot"), str(ROOT / "tests")])
        command = [sys.executable, __file__, database, comments, str(port), str(workers), str(seconds), queues]
        # No pipe: a full one that nobody reads would hold up the server.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, stderr=self._log)
        self._told = 0

    def wait(self) -> None:
        """Return once it answers."""
        for _ in range(600):
            if self.process.poll() is not None:
                raise AssertionError(self.log())
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log())

    def kill(self) -> None:
        """Kill it as a machine does that loses its power, its kernel excepted."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def log(self) -> str:
        """Return what it has logged since it was last asked."""
        told = os.pread(self._log.fileno(), 1 << 24, self._told)
        self._told += len(told)
        return told.decode()


def main(database: str, comments: str, port: str, workers: str, seconds: str, queues: str) -> None:
    from bot.jobs.comments import commenting
    from cpipe_bot.jobs.hub import Hub
    from cpipe_bot.jobs.policy import Policy
    from cpipe_bot.jobs.serving import Process, serve, work
    from cpipe_bot.jobs.work import QUEUES, Done, Work

    def works(body: bytes) -> tuple[Work, ...]:
        told = json.loads(body)
        if not isinstance(told, dict):
            raise ValueError("no object")
        return (Work("model", told["repo"], told["ref"], told["sha"], "1", "push", queue=told["queue"]),)

    write = commenting(comments)

    def handle(work: Work) -> Done:
        time.sleep(float(seconds))
        return write(work)

    policy = Policy(
        backoff=0.1, poll=0.05, beat=0.3, silence=2.0, sweep=0.5, owner_per_hour=1_000_000, deaths=50, tries=50
    )
    taken = tuple(queue for queue in QUEUES if queue in queues.split())
    process = Process(database, int(workers), port=int(port), secret=SECRET, policy=policy, grace=3, queues=taken)
    hub = Hub(handle, works, "1")
    serve(process, hub) if int(port) else work(process, hub)


if __name__ == "__main__":
    main(*sys.argv[1:])
