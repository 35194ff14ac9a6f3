"""How the Jobs of the tests run: as a subprocess in place of the container."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from hub_server.model import Job

_ROOT = Path(__file__).resolve().parents[2]


def in_subprocess(extra: str = "") -> Callable[[Job], None]:
    """Return what runs a Job's own command, with its environment and what an image with our packages has besides.

    `extra` is printed before it starts.
    """

    def run(job: Job) -> None:
        with tempfile.TemporaryDirectory() as home:
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            image = {"PATH": path, "HOME": home, "PYTHONPATH": os.pathsep.join([f"{_ROOT}/checks", f"{_ROOT}/bot"])}
            job.stage = "RUNNING"
            job.log += extra.splitlines()
            done = subprocess.run(
                job.spec["command"],
                cwd=home,
                env=image | dict(job.environment),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=job.spec["timeoutSeconds"],
                check=False,
            )
        job.log += done.stdout.splitlines()
        job.end("COMPLETED" if done.returncode == 0 else "ERROR", f"exit code {done.returncode}")

    return run
