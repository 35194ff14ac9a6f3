"""Smoke-loads in Jobs of a loopback Hub, by the real huggingface_hub client; what the Jobs say is scripted."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.hf_jobs import FAILED, OPTIONS, RAN, document, loads, nonce_of, reporting, settings, smoke
from bot.hub import BAD, BOT, GOOD
from cpipe_bot.hf_jobs import client, one
from cpipe_bot.hf_jobs.framing import lines_of
from cpipe_bot.hf_jobs.parcel import VARIABLE
from cpipe_bot.hf_jobs.run import in_jobs, smoke_load_all
from cpipe_bot.hf_jobs.settings import JobSettings, from_environment
from cpipe_bot.hub import client as hub_client
from cpipe_bot.jobs.work import GiveUp, TryAgain
from cpipe_check import __version__
from cpipe_check.checker import check
from cpipe_check.report.model import Verdict
from cpipe_check.smoke.pool import Load
from cpipe_check.submission import Collection, Submission
from cpipe_check.text import clean_line
from hub_server import Hub
from hub_server.endpoints_jobs import event, whole
from hub_server.model import Job
from loopback import Cut


@pytest.fixture(autouse=True)
def _no_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one, "_A_MOMENT", 0.01)


def _stages(hub: Hub) -> list[str]:
    return [job.stage for job in hub.state.jobs.values()]


def test_what_a_job_claims_is_taken_and_said_to_be_its_word(hub: Hub) -> None:
    hub.state.run_job = reporting(found=FAILED)
    found = smoke(hub, flavor="t4-small")
    # The frame beyond the file's end is gone.
    assert found == replace(
        FAILED,
        frames=FAILED.frames[:1],
        isolation=replace(FAILED.isolation, host="a Hugging Face Job on t4-small"),  # type: ignore[arg-type]
    )


def test_what_is_sent(hub: Hub) -> None:
    hub.state.run_job = reporting()
    made = settings(hub, flavor="t4-small", image="")
    smoke_load_all(loads(), OPTIONS, lambda _, __: None, made)
    (request,) = hub.writes()
    assert request.body.keys() == {
        "command", "arguments", "environment", "flavor", "timeoutSeconds", "labels", "dockerImage",
    }  # fmt: skip
    assert request.body["environment"].keys() == {VARIABLE}
    assert made.token not in json.dumps(request.body)
    assert request.body["timeoutSeconds"] == 900 + 2 * 60
    assert request.body["dockerImage"].startswith("python:3")
    assert f"'cpipe-check[smoke]=={__version__}'" in request.body["command"][2]
    assert "download.pytorch.org" not in request.body["command"][2]
    assert "whl/cpu" in settings(hub, image="").command[2]
    assert settings(hub).command == ["python", "-m", "cpipe_bot.hf_jobs.inside"]


def test_files_that_would_not_be_run_here_get_no_job(hub: Hub) -> None:
    hub.state.run_job = reporting()
    skipped = b'# /// cpipe-check\n# skip = "too large"\n# ///\n' + GOOD
    files = {"good.py": GOOD, "bad.py": BAD, "skipped.py": skipped, "broken.py": b"class X(Diff"}
    collection = Collection(tuple(Submission(name, text, None) for name, text in files.items()), (), ())
    report = check(collection, OPTIONS, load_all=in_jobs(settings(hub)))
    assert [f.smoke.verdict.value for f in report.files] == ["ran", "not run", "not run", "not run"]
    assert len(hub.state.jobs) == 1
    assert "CP202" in {f.code for f in report.files[1].findings}


def test_a_few_side_by_side(hub: Hub) -> None:
    most: list[int] = []

    def run(job: Job) -> None:
        most.append(sum(each.finished is None for each in hub.state.jobs.values()))
        time.sleep(0.05)
        reporting()(job)

    hub.state.run_job = run
    target = loads()[0].target
    many = [Load(target, {f"p{n}.py": GOOD + b"# %d" % n}) for n in range(7)]
    done: list[int] = []
    found = smoke_load_all(
        many, OPTIONS, lambda index, stage: None if stage else done.append(index), settings(hub, side_by_side=3)
    )
    assert [each.verdict for each in found] == [Verdict.RAN] * 7
    assert sorted(done) == list(range(7))
    assert 1 < max(most) <= 3


def test_the_same_is_not_done_twice(hub: Hub) -> None:
    hub.state.run_job = reporting()
    first = smoke(hub)
    assert smoke(hub) == first
    assert len(hub.state.jobs) == 1
    # But what is older, was asked for otherwise, or is another file is.
    (job,) = hub.state.jobs.values()
    assert job.finished is not None
    job.finished -= timedelta(hours=2)
    smoke(hub)
    smoke(hub, flavor="cpu-upgrade")
    smoke(hub, image="another")
    smoke(hub, loads(GOOD + b"# other\n")[0])
    assert len(hub.state.jobs) == 5


def _in_a_process(made: JobSettings) -> None:
    smoke_load_all(loads(), OPTIONS, lambda _, __: None, made)


def test_a_killed_worker_has_its_job_found_again(hub: Hub) -> None:
    started, goes_on = threading.Event(), threading.Event()

    def run(job: Job) -> None:
        job.stage = "RUNNING"
        started.set()
        goes_on.wait(60)
        reporting()(job)

    hub.state.run_job = run
    made = settings(hub)
    worker = multiprocessing.get_context("spawn").Process(target=_in_a_process, args=(made,))
    worker.start()
    assert started.wait(60)
    worker.kill()
    worker.join()
    goes_on.set()
    (found,) = smoke_load_all(loads(), OPTIONS, lambda _, __: None, made)
    assert found.verdict is Verdict.RAN
    assert len(hub.state.jobs) == 1


@pytest.mark.parametrize("stage", ["ERROR", "CANCELED", "DELETED", "SOMETHING ELSE"])
def test_a_job_that_fails(hub: Hub, stage: str) -> None:
    def run(job: Job) -> None:
        job.log += lines_of(document(), nonce_of(job))
        job.end(stage, "OOMKilled \x1b[31m")

    hub.state.run_job = run
    found = smoke(hub)
    assert (found.verdict, found.isolation.host) == (Verdict.NOT_RUN, "")
    assert stage in found.reason
    assert "OOMKilled" in found.reason
    assert "\x1b" not in found.reason
    # Who asks again gets another.
    hub.state.run_job = reporting()
    assert smoke(hub).verdict is Verdict.RAN


def _forged_elsewhere(job: Job) -> None:
    job.log += [document(), "===BEGIN===", *lines_of(document(), "f" * 32)]
    job.end()


def _contradicting(job: Job) -> None:
    job.log += [*lines_of(document(found=FAILED), nonce_of(job)), *lines_of(document(), nonce_of(job))]
    # The one line of each is the same one.
    job.log.reverse()
    job.log.insert(0, f"cpipe-check-{nonce_of(job)} 1/2 AAAA;")
    job.end()


BAD_REPORTS: dict[str, tuple[Callable[[Job], None], str]] = {
    "none": (lambda job: job.end(), "no report"),
    "forged elsewhere": (_forged_elsewhere, "no report"),
    "contradicting": (_contradicting, "contradict"),
    "another file's": (reporting(document("other.py")), "something else"),
    "several files'": (
        reporting(json.dumps({**json.loads(document()), "files": json.loads(document())["files"] * 2})
                  .replace("pipeline.py", "a.py", 1)),
        "something else",
    ),
    "another version's": (reporting(document().replace(f'"{__version__}"', '"9.9"')), "has cpipe-check 9.9"),
    "safe": (reporting(document().replace('"ran"', '"safe"')), "no report"),
    "no JSON": (reporting("{" * 5000), "no report"),
    "huge": (reporting(document() + " " * 3_000_000), "larger than"),
}  # fmt: skip


@pytest.mark.parametrize(("run", "told"), BAD_REPORTS.values(), ids=BAD_REPORTS)
def test_a_report_that_is_not_taken(hub: Hub, run: Callable[[Job], None], told: str) -> None:
    hub.state.run_job = run
    found = smoke(hub)
    assert found.verdict is Verdict.NOT_RUN
    assert told in found.reason
    assert len(hub.state.jobs) == 1
    # Who asks again gets another Job, though this one is fresh.
    hub.state.run_job = reporting()
    assert smoke(hub).verdict is Verdict.RAN
    assert len(hub.state.jobs) == 2


def test_what_a_job_says_is_inert(hub: Hub) -> None:
    hostile = json.loads(document(found=FAILED))
    smoked = hostile["files"][0]["smoke"]
    smoked["reason"] = "\x1b[2J::error::no\u202e"
    smoked["isolation"]["host"] = "a machine that you can trust"
    hub.state.run_job = reporting(json.dumps(hostile))
    found = smoke(hub)
    assert found.verdict is Verdict.FAILED
    assert "\x1b" not in found.reason
    assert "\u202e" not in found.reason
    assert found.isolation.host == "a Hugging Face Job on cpu-basic"


def _large(job: Job) -> Iterator[bytes]:
    for _ in range(2_000):
        yield event("x" * 49_000)


def _one_line(job: Job) -> Iterator[bytes]:
    yield b'data: {"data": "'
    for _ in range(2_000):
        yield b"x" * 50_000


def _keep_alive(job: Job) -> Iterator[bytes]:
    while True:
        yield b": keep-alive\n\n"
        time.sleep(0.05)


def _silent(job: Job) -> Iterator[bytes]:
    yield event("nothing more")
    time.sleep(3)


def _nonsense(job: Job) -> Iterator[bytes]:
    yield b'data: {"data": 1}\ndata: {nonsense\ndata: {}\ndata: []\n\xff\xfe\n' + b"data: {" + b"[" * 15_000 + b"\n"
    yield from whole(job)


@pytest.mark.parametrize(
    ("stream", "told"),
    [(_large, "longer than"), (_one_line, "longer than"), (_keep_alive, "no report"), (_silent, "no report")],
)
def test_logs_without_an_end(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, stream: Callable[[Job], Iterator[bytes]], told: str
) -> None:
    monkeypatch.setattr(client, "_QUIET", 0.3)
    monkeypatch.setattr(client, "_LONGEST_READ", 0.4)
    monkeypatch.setattr(one, "_READS", 2)
    hub.state.run_job, hub.state.stream = reporting(), stream
    found = smoke(hub)
    assert found.verdict is Verdict.NOT_RUN
    assert told in found.reason


def test_a_machine_that_is_not_what_it_should_be(hub: Hub) -> None:
    reason = clean_line("device `cuda` is not available")
    hub.state.run_job = reporting(found=replace(RAN, verdict=Verdict.NOT_RUN, reason=reason, unserved=True))
    found = smoke(hub, flavor="t4-small")
    assert (found.verdict, found.unserved, found.reason) == (Verdict.NOT_RUN, True, reason)


def test_a_log_that_goes_on_behind_the_report(hub: Hub) -> None:
    def stream(job: Job) -> Iterator[bytes]:
        yield from whole(job)
        yield from _keep_alive(job)

    hub.state.run_job, hub.state.stream = reporting(), stream
    assert smoke(hub).verdict is Verdict.RAN


def test_nonsense_in_the_stream(hub: Hub) -> None:
    hub.state.run_job, hub.state.stream = reporting(), _nonsense
    assert smoke(hub).verdict is Verdict.RAN


def test_a_stream_that_breaks_is_read_again(hub: Hub) -> None:
    times: list[int] = []

    def stream(job: Job) -> Iterator[bytes]:
        times.append(1)
        if len(times) == 1:
            # The log lags behind.
            return
        for line in job.log[:-1] if len(times) == 2 else job.log:
            yield event(line)
            if len(times) == 2:
                raise Cut

    hub.state.run_job, hub.state.stream = reporting(), stream
    assert smoke(hub).verdict is Verdict.RAN
    assert len(times) == 3


STEPS = {
    "whoami": ("GET", "/whoami-v2$"),
    "find": ("GET", f"/api/jobs/{BOT}$"),
    "start": ("POST", f"/api/jobs/{BOT}$"),
    "look": ("GET", f"/api/jobs/{BOT}/[0-9a-f]+$"),
    "log": ("GET", "/logs$"),
}


def _soon(job: Job) -> None:
    """Reports once it has been looked at."""
    job.stage = "RUNNING"
    time.sleep(0.05)
    reporting()(job)


@pytest.mark.parametrize("fault", ["500 before", "500 after", "reset before", "reset after", "nonsense"])
@pytest.mark.parametrize("step", STEPS)
def test_every_request_fails_for_a_moment(hub: Hub, step: str, fault: str) -> None:
    hub.state.run_job = _soon
    method, path = STEPS[step]
    # What has started is not started again.
    times = 1 if step == "start" else 2
    if fault == "nonsense":
        hub.faults.respond(method, path, 200, "<html>maintenance</html>", after=True)
    elif fault.startswith("500"):
        hub.faults.respond(method, path, 503, after=fault.endswith("after"), times=times)
    else:
        hub.faults.reset(method, path, after=fault.endswith("after"), times=times)
    assert smoke(hub).verdict is Verdict.RAN
    assert not hub.faults.pending
    # A Job whose start nobody was told of is found.
    assert len(hub.state.jobs) == 1


@pytest.mark.parametrize("status", [402, 403, 404, 413, 422])
@pytest.mark.parametrize("step", ["find", "start", "look", "log"])
def test_refused(hub: Hub, step: str, status: int) -> None:
    hub.state.run_job = _soon
    hub.faults.respond(
        *STEPS[step], status, {"error": "Pre-paid credits are used up"}, {"X-Error-Message": "No credit"}
    )
    found = smoke(hub, again=True)
    assert (found.verdict, found.unserved) == (Verdict.NOT_RUN, True)
    assert str(status) in found.reason


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize("step", ["find", "start", "look", "log"])
def test_not_answered_for_long(hub: Hub, step: str, status: int) -> None:
    hub.state.run_job = _soon
    hub.faults.respond(*STEPS[step], status, times=1000, headers={"Retry-After": "77"})
    with pytest.raises(TryAgain) as raised:
        smoke(hub, again=True, patience=0.1)
    assert raised.value.seconds == 77
    found = smoke(hub, loads(GOOD + b"# other\n")[0], patience=0.1)
    assert (found.verdict, found.unserved) == (Verdict.NOT_RUN, True)
    assert str(status) in found.reason
    # What is raised in a process of its own arrives.
    assert pickle.loads(pickle.dumps(raised.value)).seconds == 77
    # It goes on from where it was.
    hub.faults.rules.clear()
    assert smoke(hub).verdict is Verdict.RAN
    assert len(hub.state.jobs) == (1 if step in ("find", "start") else 2)


def test_hanging_is_not_for_ever(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.state.run_job = _soon
    monkeypatch.setattr(hub_client, "SECONDS", 0.4)
    hub_client.set_client_factory(hub_client._bounded)
    try:
        for step in ("start", "look"):
            hub.faults.hang(*STEPS[step])
        assert smoke(hub).verdict is Verdict.RAN
    finally:
        monkeypatch.undo()
        hub_client.set_client_factory(hub_client._bounded)
    assert len(hub.state.jobs) == 1


def test_one_that_takes_too_long_is_cancelled(hub: Hub) -> None:
    made = settings(hub, startup=0.1, queue=0.1)
    (found,) = smoke_load_all(loads(), replace(OPTIONS, seconds=0.05), lambda _, __: None, made)
    assert found.verdict is Verdict.NOT_RUN
    assert "cancelled" in found.reason
    assert _stages(hub) == ["CANCELED"]


def test_an_interrupt_cancels(hub: Hub) -> None:
    target = loads()[0].target
    many = [Load(target, {f"p{n}.py": GOOD + b"# %d" % n}) for n in range(5)]
    hub.on("GET", STEPS["look"][1], lambda _: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        smoke_load_all(many, OPTIONS, lambda _, __: None, settings(hub, side_by_side=2))
    assert set(_stages(hub)) == {"CANCELED"}
    assert len(hub.state.jobs) == 2


def test_a_reference_is_not_sent(hub: Hub) -> None:
    (found,) = smoke_load_all(loads(), replace(OPTIONS, reference="/tmp/x"), lambda _, __: None, settings(hub))
    assert "reference" in found.reason
    assert hub.requests == []


def test_what_does_not_fit_gets_no_job(hub: Hub) -> None:
    (load,) = loads()
    found = smoke(hub, Load(load.target, {"pipeline.py": os.urandom(130_000)}))
    assert found.verdict is Verdict.NOT_RUN
    assert "at most 131 kB" in found.reason
    assert hub.requests == []


def test_a_namespace(hub: Hub) -> None:
    hub.org("the-lab", BOT)
    hub.state.run_job = reporting()
    assert smoke(hub, namespace="the-lab").verdict is Verdict.RAN
    found = smoke(hub, namespace="others")
    assert "403" in found.reason
    assert not [request for request in hub.requests if "whoami" in request.path]


def test_somebody_elses_jobs_are_not_taken(hub: Hub) -> None:
    """A Job with our label and no nonce, or one of another form."""
    hub.state.run_job = reporting()
    smoke(hub)
    (job,) = hub.state.jobs.values()
    for nonce in ("", "x", "../..", None):
        labels = {name: value for name, value in job.spec["labels"].items() if name != "cpipe-check-nonce"}
        job.spec = {**job.spec, "labels": labels | ({} if nonce is None else {"cpipe-check-nonce": nonce})}
        assert smoke(hub).verdict is Verdict.RAN
        # Another one was started, and its result is taken from then on.
        assert len(hub.state.jobs) == 2


def test_settings_of_the_environment() -> None:
    found = from_environment(
        {"HF_TOKEN": "hf_x", "HF_ENDPOINT": "http://127.0.0.1:1", "CPIPE_JOB_NAMESPACE": "the-lab"}
    )
    assert (found.endpoint, found.token, found.namespace) == ("http://127.0.0.1:1", "hf_x", "the-lab")
    assert (found.flavor, found.device, found.again) == ("cpu-basic", "cpu", False)
    assert "hf_x" not in repr(found)
    gpu = from_environment({"HF_TOKEN": "hf_x", "CPIPE_JOB_IMAGE": "ghcr.io/me/it:1"}, "l4x1", again=True)
    assert (gpu.flavor, gpu.device, gpu.again, gpu.docker_image) == ("l4x1", "cuda", True, "ghcr.io/me/it:1")
    for name, value in (
        ("HF_TOKEN", ""), ("CPIPE_JOB_FLAVOR", "../x"), ("CPIPE_JOB_IMAGE", "a b"), ("CPIPE_JOB_NAMESPACE", "a/b"),
    ):  # fmt: skip
        with pytest.raises(GiveUp, match=re.escape(name) if name != "CPIPE_JOB_FLAVOR" else "flavor"):
            from_environment({"HF_TOKEN": "hf_x", name: value})


def test_the_word_of_a_job_in_every_report(hub: Hub) -> None:
    from cpipe_check.report import RENDERERS

    hub.state.run_job = reporting()
    collection = Collection((Submission("pipeline.py", GOOD, None),), (), ())
    report = check(collection, OPTIONS, load_all=in_jobs(settings(hub, flavor="t4-small")))
    for name in ("text", "markdown", "html"):
        told = RENDERERS[name](report, False).replace("`", "")
        assert "in landlock in a Hugging Face Job on t4-small, as reported by that machine" in told, name
        assert "own process" not in told, name
    (file,) = json.loads(RENDERERS["json"](report, False))["files"]
    assert file["smoke"]["isolation"]["host"] == "a Hugging Face Job on t4-small"
    assert RAN.isolation.host == ""
