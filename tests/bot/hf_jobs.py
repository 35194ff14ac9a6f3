"""What the tests of Hugging Face Jobs share: a smoke-load, settings without waits, Jobs that only say things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from bot.hub import BOT, GOOD
from cpipe_bot.hf_jobs.framing import lines_of
from cpipe_bot.hf_jobs.parcel import VARIABLE, unpack
from cpipe_bot.hf_jobs.run import smoke_load_all
from cpipe_bot.hf_jobs.settings import JobSettings
from cpipe_check.checker import check
from cpipe_check.report import as_json
from cpipe_check.report.model import Compatibility, FileReport, Frame, Isolation, Report, Smoke, Stage, Verdict
from cpipe_check.smoke.pool import Load
from cpipe_check.smoke.run import SmokeOptions
from cpipe_check.submission import Collection, Submission
from cpipe_check.text import EMPTY, clean_line
from hub_server import Hub
from hub_server.model import Job

OPTIONS = SmokeOptions(seconds=60)
RAN = Smoke(
    Verdict.RAN,
    reference=clean_line("tiny ddpm reference"),
    device=clean_line("cpu"),
    stages=(Stage("load", 0.3, True), Stage("call", 0.1, True), Stage("save", 0.1, True)),
    output=clean_line("Tensor (1, 3, 32, 32)"),
    isolation=Isolation(clean_line("landlock"), (clean_line("reads"),)),
)
FAILED = replace(
    RAN,
    verdict=Verdict.FAILED,
    reason=clean_line("in call: ValueError: no good"),
    frames=(Frame(13, clean_line("__call__"), EMPTY), Frame(999_999, clean_line("beyond"), EMPTY)),
)


def settings(hub: Hub, **changes: Any) -> JobSettings:
    """Of an image that has our packages."""
    made = JobSettings(hub.url, hub.token(BOT), image="checker", poll=0.01, patience=5)
    return replace(made, **changes)


@cache
def loads(content: bytes = GOOD, path: str = "pipeline.py") -> tuple[Load, ...]:
    """The smoke-loads that the checker asks for of a file."""
    asked: list[Load] = []

    def load_all(found: Sequence[Load], options: SmokeOptions, tell: object) -> list[Smoke]:
        asked.extend(found)
        return [RAN for _ in found]

    check(Collection((Submission(path, content, None),), (), ()), OPTIONS, load_all=load_all)
    return tuple(asked)


def smoke(hub: Hub, load: Load | None = None, **changes: Any) -> Smoke:
    """Have one file smoke-loaded in a Job."""
    (found,) = smoke_load_all([load or loads()[0]], OPTIONS, lambda _, __: None, settings(hub, **changes))
    return found


def document(path: str = "pipeline.py", found: Smoke = RAN) -> str:
    """A report on one file."""
    return as_json.render(Report((FileReport(clean_line(path), None, (), EMPTY, (), Compatibility(), found),)))


def nonce_of(job: Job) -> str:
    return unpack(job.environment[VARIABLE]).nonce


def reporting(text: str | None = None, found: Smoke = RAN, stage: str = "COMPLETED") -> Callable[[Job], None]:
    """Return what has a Job end with a report in its log: this text, else one on the file that it is given."""

    def run(job: Job) -> None:
        name = next(iter(unpack(job.environment[VARIABLE]).load.files))
        job.log += ["a line of another's", *lines_of(text or document(name, found), nonce_of(job)), "bye"]
        job.end(stage)

    return run
