"""How Hugging Face Jobs are to be used."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cpipe_bot.jobs.work import GiveUp
from cpipe_check import __version__

ENDPOINT = "https://huggingface.co"
_IMAGE = "python:3.12-slim-bookworm"
_TORCH_FOR_CPU = "--extra-index-url https://download.pytorch.org/whl/cpu "
_INSIDE = "python -m cpipe_bot.hf_jobs.inside"
_FLAVOR = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NAMESPACE = re.compile(r"\w[\w.-]{0,95}", re.ASCII)
_IMAGE_NAME = re.compile(r"[\w][\w./:@-]{0,254}", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Which Jobs are started, for whom, and how patiently they are waited for. All times are in seconds.

    `token` may start Jobs in `namespace`, which "" leaves to the token's own account. `image` has `cpipe-check[smoke]`
    of our version in its Python; "" is a public image into which each Job installs that. `side_by_side` is how many
    Jobs of one check there are at a time.

    A Job may take `startup` besides what the smoke-load itself may, and may wait for its machine for `queue`; it is
    looked at every `poll`. When the Hub does not answer, it is asked again for `patience`. After that the smoke-load is
    `not run`, or where somebody tries it `again` later, `TryAgain` is raised.
    """

    endpoint: str = ENDPOINT
    token: str = field(default="", repr=False)
    namespace: str = ""
    flavor: str = "cpu-basic"
    image: str = ""
    side_by_side: int = 4
    startup: float = 900.0
    queue: float = 1800.0
    poll: float = 5.0
    patience: float = 120.0
    again: bool = False

    @property
    def device(self) -> str:
        """The device that the flavor is for."""
        return "cpu" if self.flavor.startswith("cpu") else "cuda"

    @property
    def docker_image(self) -> str:
        """The image that a Job is made of."""
        return self.image or _IMAGE

    @property
    def command(self) -> list[str]:
        """What a Job runs."""
        if self.image:
            return _INSIDE.split()
        index = _TORCH_FOR_CPU if self.device == "cpu" else ""
        install = f"pip install -q --no-cache-dir --root-user-action ignore {index}'cpipe-check[smoke]=={__version__}'"
        return ["sh", "-c", f"{install} && exec {_INSIDE}"]

    @property
    def host(self) -> str:
        """What a report calls the machine."""
        return f"a Hugging Face Job on {self.flavor}"


def from_environment(
    environment: Mapping[str, str] = os.environ, flavor: str = "", *, again: bool = False
) -> JobSettings:
    """Return the settings that variables name.

    HF_ENDPOINT and HF_TOKEN are huggingface_hub's. CPIPE_JOB_FLAVOR is the machine (`cpu-basic` by default), which a
    `flavor` that is given goes over; CPIPE_JOB_IMAGE the image, CPIPE_JOB_NAMESPACE whose Jobs they are.

    Raises:
        GiveUp: when one of them cannot be used.
    """
    flavor = flavor or environment.get("CPIPE_JOB_FLAVOR") or "cpu-basic"
    image, namespace = environment.get("CPIPE_JOB_IMAGE", ""), environment.get("CPIPE_JOB_NAMESPACE", "")
    token = environment.get("HF_TOKEN", "")
    if not token:
        raise GiveUp("Hugging Face Jobs need a token: HF_TOKEN is not set")
    if not _FLAVOR.fullmatch(flavor):
        raise GiveUp("the flavor of the Jobs is none, such as cpu-basic or t4-small; see `hf jobs hardware`")
    if image and not _IMAGE_NAME.fullmatch(image):
        raise GiveUp("CPIPE_JOB_IMAGE is no image's name")
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise GiveUp("CPIPE_JOB_NAMESPACE is the name of no user and no organisation")
    endpoint = environment.get("HF_ENDPOINT") or ENDPOINT
    return JobSettings(endpoint, token, namespace, flavor, image, again=again)
