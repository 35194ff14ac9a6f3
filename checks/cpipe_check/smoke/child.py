"""The smoke-load's own process: imports torch and diffusers, makes the reference, runs the stages, reports each.

Everything it reports after it has imported the pipeline file is that file's word: a file can forge it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from cpipe_check.sandbox import limits
from cpipe_check.smoke import failures
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.job import Job, job_from_json


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
        lacking = failures.lacking(error, channel.current, job)
        if lacking:
            return {"verdict": "not run", "reason": lacking}
        return {"verdict": "failed", **failures.describe(error, job)}
    return {"verdict": "ran", "reason": ""}
