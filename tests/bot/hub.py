"""What the tests of the Hub's side share: a repository with a pipeline, and its work."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from cpipe_bot.commands import kind_of
from cpipe_bot.hub.body import ON_MAIN, ON_PULL
from cpipe_bot.hub.handle import handle
from cpipe_bot.hub.settings import HubSettings
from cpipe_bot.jobs.work import Done, Trigger, Work
from cpipe_check import __version__
from hub_server import Hub
from hub_server.model import Discussion, Event, Repo

BOT = "checker-bot"
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
BAD = GOOD.replace(b"super().__init__()", b"super().__int__()")
FILES = {"pipeline.py": GOOD, "README.md": b"---\nlicense: mit\n---\n# Mine\n"}


@dataclass
class Scene:
    """A Hub with one repository, and the bot's settings for it. Checks are static: a smoke-load takes too long."""

    hub: Hub
    repo: Repo
    settings: HubSettings
    pulls: list[Discussion] = field(default_factory=list)

    def work(self, ref: str = "refs/heads/main", trigger: Trigger = "push", **fields: Any) -> Work:
        """The work for what a ref is at."""
        number = int(ref.rpartition("/")[2]) if ref.startswith("refs/pr/") else None
        trigger = "pull request" if number is not None and trigger == "push" else trigger
        sha = self.repo.refs.get(ref, "0" * 40)
        made = Work(self.repo.type, self.repo.name, ref, sha, __version__, trigger, number)
        return replace(made, **fields)

    def command(self, found: Discussion, event: Event) -> Work:
        """The work for a comment that is a command."""
        queue = "gpu" if kind_of(event.raw) == "gpu" and self.settings.gpu is not None else "cpu"
        return self.work(found.ref, "command", sha="", discussion=found.num, comment=event.id, queue=queue)

    def do(self, work: Work | None = None, **changes: Any) -> Done:
        """Do a piece of work; without one, that of main."""
        return handle(work or self.work(), replace(self.settings, **changes))

    def ask(self, found: Discussion, author: str, text: str) -> Done:
        """Write a command, and do it."""
        return self.do(self.command(found, self.hub.comment(found, author, text)))

    def answers(self, pull: Discussion) -> list[str]:
        """The texts of the bot's answers that are shown in a pull request."""
        return [c.raw for c in pull.comments if c.author == BOT and c.raw.startswith(ON_PULL)]

    @property
    def discussions(self) -> list[Discussion]:
        """The bot's discussions on main."""
        found = [d for d in self.repo.discussions.values() if d.author == BOT and not d.is_pull_request]
        return [d for d in found if d.comments and d.comments[0].raw.startswith(ON_MAIN)]

    @property
    def discussion(self) -> Discussion:
        """The one discussion."""
        (found,) = self.discussions
        return found

    @property
    def main(self) -> str:
        """The one discussion's text."""
        return self.discussion.comments[0].raw


def scene(hub: Hub, files: dict[str, Any] | None = None, name: str = "alice/pipe") -> Scene:
    """A repository of alice's with these files."""
    repo = hub.repo(name, FILES if files is None else files)
    return Scene(hub, repo, HubSettings(hub.url, hub.token(BOT)))
