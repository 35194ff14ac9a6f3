"""The smoke-load's own process: imports torch and diffusers, makes the reference, runs the stages, reports each.

Everything it reports after it has imported the pipeline file is that file's word: a file can forge it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cpipe_check.sandbox import limits
from cpipe_check.smoke import failures
from cpipe_check.smoke.job import Job, job_from_json


class Channel:
    """Where events are written: one JSON object a line."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor

    def send(self, **event: Any) -> None:
        """Write one event."""
        os.write(self._descriptor, json.dumps(event).encode() + b"\n")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Report that a stage begins, and its seconds and outcome when it ends."""
        self.send(event="begin", stage=name)
        start, ok = time.perf_counter(), False
        try:
            yield
            ok = True
        finally:
            self.send(event="end", stage=name, seconds=time.perf_counter() - start, ok=ok)


def main() -> None:
    """Run the job that standard input holds."""
    limits.die_with_parent()
    channel = Channel(int(sys.argv[-1]))
    job = job_from_json(sys.stdin.buffer.read())
    channel.send(event="verdict", **_verdict(job, channel))
    sys.stdout.flush()
    os._exit(0)


def _verdict(job: Job, channel: Channel) -> dict[str, Any]:
    try:
        with channel.stage("start"):
            from cpipe_check.smoke import stages
        if job.memory and not job.device.startswith("cuda"):
            limits.limit_memory(job.memory)
        plan = stages.prepare(job, channel)
    except Exception as error:
        asked = getattr(error, "unserved", None)
        ours = asked is None
        reason = f"our own set-up failed: {failures.one_line(error, job)}" if ours else str(error)
        return {"verdict": "not run", "reason": reason, "unserved": ours or bool(asked)}
    try:
        stages.run(job, plan, channel)
    except BaseException as error:
        lacking = failures.lacking(error, job)
        if lacking:
            return {"verdict": "not run", "reason": lacking}
        return {"verdict": "failed", **failures.describe(error, job)}
    return {"verdict": "ran", "reason": ""}
