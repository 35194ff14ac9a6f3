"""What a publisher is told: by the runner's environment and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WhenGreen = Literal["collapse", "delete", "silent"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to publish in one repository.

    `repository` is `owner/name`. `check_workflow` and `gpu_workflow` are file names in `.github/workflows`, the latter
    "" where there is none; `artifact` is the name of the check job's artifact. `patterns` and `exclude` choose the
    pipeline files among those that a pull request changes, `distrusted` further paths whose change lets a pull request
    say of itself what it likes. `when_green` is what becomes of the comment when nothing is wrong.
    """

    repository: str
    check_workflow: str = "cpipe-check.yml"
    gpu_workflow: str = ""
    artifact: str = "cpipe-check"
    patterns: tuple[str, ...] = ("examples/community/*.py", "**/pipeline.py")
    exclude: tuple[str, ...] = ()
    distrusted: tuple[str, ...] = ()
    when_green: WhenGreen = "collapse"
    labels: bool = False
    suggestions: bool = True
