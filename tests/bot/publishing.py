"""What the tests of publishing share: a pull request with a check job's artifact, a publisher that does not wait."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from github.Auth import Token

from cpipe_bot.github import client
from cpipe_bot.github.body import MARKER
from cpipe_bot.github.publish import Publisher
from cpipe_bot.github.settings import Settings
from cpipe_check.checker import check
from cpipe_check.report.as_json import document
from cpipe_check.report.model import Frame, Isolation, Smoke, Stage, Verdict
from cpipe_check.submission import Collection, Submission
from cpipe_check.text import clean_line
from github_server import GitHubServer
from github_server.model import PullRequest

PATH = "examples/community/good.py"
GOOD = b"""\
import torch
from diffusers import DDPMScheduler, DiffusionPipeline, UNet2DModel


class GoodPipeline(DiffusionPipeline):
    def __init__(self, unet: UNet2DModel, scheduler: DDPMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self):
        return self.unet(torch.zeros(1, 3, 32, 32), 1).sample
"""
MOVED = GOOD.replace(
    b"\n\n\nclass", b"\nfrom diffusers.pipelines.controlnet.multicontrolnet import MultiControlNetModel\n\n\nclass", 1
)
RAN = Smoke(
    Verdict.RAN,
    reference=clean_line("tiny ddpm reference"),
    device=clean_line("cpu"),
    stages=(Stage("load", 0.3, True), Stage("call", 0.1, True), Stage("save", 0.1, True)),
    output=clean_line("Tensor (1, 3, 32, 32)"),
    isolation=Isolation(clean_line("bwrap")),
)
FAILED = replace(
    RAN,
    verdict=Verdict.FAILED,
    reason=clean_line("call: ValueError: no good"),
    frames=(Frame(13, clean_line("__call__"), clean_line("return self.unet(torch.zeros(1, 3, 32, 32), 1).sample")),),
)
PERMISSIONS = {
    "pull_requests": "write",
    "issues": "write",
    "checks": "write",
    "contents": "read",
    "actions": "write",
    "metadata": "read",
}


def report_of(smokes: Mapping[str, Smoke], files: Mapping[str, bytes]) -> dict[str, Any]:
    """The document that a check job writes for these files, with these smoke-loads."""
    submissions = tuple(Submission(path, content, None) for path, content in files.items())
    report = check(Collection(submissions, (), ()), None)
    filled = tuple(replace(file, smoke=smokes.get(file.path, RAN)) for file in report.files)
    return document(replace(report, files=filled))


def archive(content: bytes | str | dict[str, Any], name: str = "report.json") -> bytes:
    """An artifact's archive."""
    if isinstance(content, dict):
        content = json.dumps(content)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return buffer.getvalue()


@dataclass
class Scene:
    """A GitHub with one pull request, its check job, and a publisher."""

    server: GitHubServer
    pull: PullRequest
    settings: Settings
    token: str
    files: dict[str, bytes]
    waits: list[float] = field(default_factory=list)

    def publisher(self, token: str = "", **changes: Any) -> Publisher:
        """A publisher that notes how long it would have waited, and does not wait."""
        found = client.connect(Token(token or self.token), self.server.base_url, pause=0, patience=100)
        persist: Callable[..., None] = partial(client.persist, patience=100, sleep=self.waits.append)
        settings = replace(self.settings, **changes)
        return Publisher(found.get_repo(settings.repository), client.identity(found), settings, persist)

    def job(self, smokes: Mapping[str, Smoke] | None = None, content: bytes | None = None, **fields: Any) -> Any:
        """A check job of the head that has left its artifact."""
        run = self.server.add_run(self.pull, "check", **fields)
        packed = archive(report_of(smokes or {}, self.files)) if content is None else content
        self.server.add_artifact(run, "cpipe-check", packed)
        return run

    def push(self, files: Mapping[str, bytes | None], smokes: Mapping[str, Smoke] | None = None) -> str:
        """Push, and let the check job run."""
        sha = self.server.push(self.pull, files)
        for path, content in files.items():
            if content is None:
                self.files.pop(path, None)
            else:
                self.files[path] = content
        self.job(smokes)
        return sha

    @property
    def comments(self) -> list[str]:
        """The bodies of the bot's comments."""
        return [c.body for c in self.server.comments(self.pull) if c.body.startswith(MARKER)]

    @property
    def comment(self) -> str:
        """The one comment."""
        (found,) = self.comments
        return found

    @property
    def check_runs(self) -> list[Any]:
        """The check runs of the head."""
        return [r for r in self.server.repository.check_runs.values() if r.head_sha == self.pull.head]


def scene(
    server: GitHubServer, files: Mapping[str, bytes], *, base: Mapping[str, bytes] | None = None, **pull: Any
) -> Scene:
    """Open a pull request that adds or changes `files`."""
    opened = server.pull_request(files=dict(files), base_files=dict(base or {}), **pull)
    settings = Settings(server.repository.full_name, check_workflow="check.yml", gpu_workflow="gpu.yml")
    return Scene(server, opened, settings, server.token(**PERMISSIONS), dict(files))
