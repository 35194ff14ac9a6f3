"""The smoke-load's side in the room: two tasks a file, each in a process of its own, that report stage by stage.

Everything that is reported after the pipeline file has been imported is that file's word: a file can forge it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cpipe_check.sandbox.inmate import TaskChannel
from cpipe_check.smoke import failures, stages
from cpipe_check.smoke.channel import Channel
from cpipe_check.smoke.job import Job, job_from
from cpipe_check.smoke.plan import NotRun, Plan
from cpipe_check.smoke.trying import NotTheInput


def first(payload: Mapping[str, Any], line: TaskChannel) -> None:
    """Load the file against the reference, call it, save it."""
    _report(job_from(payload), Channel(line), stages.prepare, stages.run)


def again(payload: Mapping[str, Any], line: TaskChannel) -> None:
    """Load what was saved in a process that knows nothing of the first, and call it the same way."""
    _report(job_from(payload), Channel(line), stages.prepare_again, stages.run_again)


Prepare = Callable[[Job, Channel], Plan]
Run = Callable[[Job, Plan, Channel], None]


def _report(job: Job, channel: Channel, prepare: Prepare, run: Run) -> None:
    channel.send(event="verdict", **_verdict(job, channel, prepare, run))


def _verdict(job: Job, channel: Channel, prepare: Prepare, run: Run) -> dict[str, Any]:
    try:
        if lacking := failures.declared_and_lacking(job):
            return {"verdict": "not run", "reason": lacking}
        plan = prepare(job, channel)
    except Exception as error:
        asked = getattr(error, "unserved", None)
        ours = asked is None
        reason = f"our own set-up failed: {failures.one_line(error, job)}" if ours else str(error)
        if asked is False and (absent := failures.absent(job)):
            # Likely why the class of a component is not to be had.
            reason = absent
        return {"verdict": "not run", "reason": reason, "unserved": ours or bool(asked)}
    hosts = failures.watch_network()
    try:
        run(job, plan, channel)
    except NotRun as error:
        return {"verdict": "not run", "reason": str(error)}
    except NotTheInput as fault:
        return {"verdict": "failed", **failures.describe(fault.__cause__ or fault, job)}
    except BaseException as error:
        lacking = failures.lacking(error, channel.current, job, hosts)
        if lacking:
            return {"verdict": "not run", "reason": lacking}
        return {"verdict": "failed", **failures.describe(error, job)}
    return {"verdict": "ran", "reason": ""}
