"""Runs as a server would have them after some weeks, and a queue; run as a program it serves them to be looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

import reports
import test_html
from cpipe_bot.database import RUNS
from cpipe_bot.jobs.work import Conclusion, Done, Waiting, Work
from cpipe_bot.store import Runs, run_id
from cpipe_bot.web import error_pages, pages
from cpipe_check.pipeline_file.load_range import LoadRange
from cpipe_check.report.model import Report
from cpipe_check.text import EMPTY, clean_line

TOKEN = "a token for the tests"
DAY = 86_400_000


@dataclass(frozen=True)
class Letter:
    id: int
    work: Work
    reason: str


class Queue:
    """The queue's part that the pages see."""

    def __init__(self, *letters: Letter, told: Callable[[Work], None] = lambda _: None) -> None:
        self.letters = list(letters)
        self.replayed: list[int] = []
        self._told = told
        self.has_gpu = False

    def counts(self) -> dict[str, int]:
        return {"queued": 2, "running": 1, "dead": len(self.letters), "finished": 40}

    def waiting(self) -> list[Waiting]:
        return [Waiting("cpu", 1, True), Waiting("gpu", 1, self.has_gpu)]

    def dead(self) -> list[Letter]:
        return list(self.letters)

    def replay(self, id: int) -> bool:
        found = [letter for letter in self.letters if letter.id == id]
        for letter in found:
            self.letters.remove(letter)
            self.replayed.append(id)
            self._told(letter.work)
        return bool(found)


def work(repo: str = "octo/upscaler", number: int = 1, ref: str = "refs/heads/main", **changes: object) -> Work:
    sha = f"{number:02x}" * 20
    pull_request = int(ref.rpartition("/")[2]) if ref.startswith("refs/pr/") else None
    trigger = "push" if pull_request is None else "pull request"
    return replace(Work("model", repo, ref, sha, "0.1.0", trigger, pull_request), **changes)  # type: ignore[arg-type]


def done(conclusion: Conclusion = "success", headline: str = "It loads, saves and runs.", **changes: object) -> Done:
    return replace(Done(conclusion, headline, report()), **changes)  # type: ignore[arg-type]


def report(*spans: tuple[str, str, bool | None]) -> Report:
    """The realistic report's sound file with pictures, loading on these releases."""
    file = reports.realistic().files[1]
    spans = spans or (("0.4.0", "0.42.1", True),)
    runs = tuple(LoadRange(clean_line(a), clean_line(b), loads, EMPTY, EMPTY, False) for a, b, loads in spans)
    smoke = replace(file.smoke, pictures=test_html.PICTURES, output=clean_line("Tensor (1, 3, 32, 32)"))
    compatibility = replace(file.compatibility, ranges={"diffusers": runs})
    return Report((replace(file, path=clean_line("pipeline.py"), compatibility=compatibility, smoke=smoke),), rules=25)


def fill(runs: Runs, engine: sa.Engine) -> Queue:
    """Put the demonstration's runs into the store, and return its queue."""
    history = (
        (1, report(("0.21.0", "0.30.3", True))),
        (2, report(("0.21.0", "0.30.3", True), ("0.31.0", "0.34.0", None))),
        (3, report(("0.21.0", "0.42.1", True))),
    )
    for number, found in history:
        runs.finished(work(number=number), done("success" if number == 3 else "failure", report=found), 4.2)
    shown = done("failure", "3 files: 1 does not load, 1 fails in `call`", report=reports.realistic(), discussion=7)
    runs.finished(work("octo/three-files", 4, "refs/pr/7"), shown, 31.5)
    runs.finished(work("quiet/one", 5), Done("neutral", "its owner wants none of it", opted_out=True), 0.2)
    runs.finished(work("octo/upscaler", 6), Done("neutral", "main has moved on", superseded=True), 0.1)
    runs.finished(work("a-somewhat-long-owner-name/with-a-repository-of-a-very-long-name-indeed-v2.1", 7), done(), 5.0)
    runs.finished(work("octo/no-pipeline", 8), Done("neutral", "there is no pipeline in it"), 0.3)
    for number in range(20, 60):
        runs.finished(work(f"many/repo-{number}", number), done(report=None), 1.0)
    runs.queued([work("octo/upscaler", 9, "refs/pr/12")])
    runs.retrying(work("slow/one", 10), "the Hub asks to wait 40 s")
    runs.running(work("octo/three-files", 11))
    letters = [
        Letter(number, work(f"gone/away-{number}", 90 + number), "the Hub has no `gone/away` (404)")
        for number in range(3)
    ]
    for letter in letters:
        runs.dead(letter.work, letter.reason)
    age(engine, {run_id(work(number=number)): days for number, days in ((1, 40), (2, 21), (3, 3))})
    return Queue(*letters)


def age(engine: sa.Engine, days: dict[str, float]) -> None:
    """Make runs older."""
    with engine.begin() as connection:
        for id, count in days.items():
            by = round(count * DAY)
            older = {name: RUNS.c[name] - by for name in ("created", "started", "finished")}
            connection.execute(sa.update(RUNS).where(RUNS.c.id == id).values(older))


def application(runs: Runs, queue: Queue, token: str | None = TOKEN) -> FastAPI:
    """The dashboard as `serve` mounts it, and a page that breaks."""
    app = FastAPI(openapi_url=None)
    app.include_router(pages(runs, queue, token))
    error_pages(app)

    def broken() -> None:
        raise RuntimeError("a secret of the server")

    app.add_api_route("/broken", broken)
    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application on this machine, and yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def wait_for(condition: Callable[[], bool]) -> None:
    event = threading.Event()
    for _ in range(1000):
        if condition():
            return
        event.wait(0.01)
    raise AssertionError("it never came to be")
