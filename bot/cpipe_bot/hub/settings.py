"""What the Hub's side is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from cpipe_check.smoke.run import SmokeOptions

ENDPOINT = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class HubSettings:
    """How to check and answer on one Hub.

    `token` is the bot's own; it reads repositories and writes discussions. With `dry_run` nothing is written to the
    Hub. `smoke` is None for the static check alone; `gpu` is how to check after `/cpipe-check gpu`, None where there is
    no GPU. `watched` are the repositories (`owner/name`) whose refs are looked at for deliveries that never came.
    `pages` is the address of the dashboard, "" where there is none.
    """

    endpoint: str = ENDPOINT
    token: str = field(default="", repr=False)
    dry_run: bool = False
    smoke: SmokeOptions | None = None
    gpu: SmokeOptions | None = None
    watched: tuple[str, ...] = ()
    pages: str = ""
