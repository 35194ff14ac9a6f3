"""From what is submitted to what is answered, with Hugging Face Jobs in between; one of them runs for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.action_runner import ROOT
from bot.hf_jobs import FAILED, OPTIONS, RAN, reporting, settings
from bot.hub import BAD, FILES, GOOD, Scene, scene
from bot.publishing import archive
from bot.publishing import scene as github_scene
from bot.pull_request_repo import open_pull_request
from bot.test_serve import CLEAN, Serving, until
from cpipe_bot.github.cli_check import check
from cpipe_bot.hf_jobs import one
from cpipe_bot.hub.settings import from_environment
from cpipe_check.report.model import Verdict
from github_server import GitHubServer
from hub_server import Hub, payloads
from hub_server.jobs import in_subprocess

PATH = "examples/community/good.py"
IMAGE = {"CPIPE_JOB_IMAGE": "checker"}


@pytest.fixture(autouse=True)
def _no_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one, "_A_MOMENT", 0.01)


def test_a_pull_request_is_run_in_a_real_job_and_answered(hub: Hub, tmp_path: Path) -> None:
    """The Job's own command runs, with its own environment, and smoke-loads; only its container is none."""
    pytest.importorskip("torch", reason="a smoke-load needs the smoke extra")
    found = scene(hub, FILES)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD + b"# changed\n"})
    hub.state.run_job = in_subprocess("of another process: cpipe-check-0 1/1 AAAA;\n")
    serving = Serving(found, tmp_path, CPIPE_SMOKE="hf-jobs", **IMAGE)
    try:
        sha = found.repo.refs[pull.ref]
        assert serving.deliver(payloads.content(hub.state, found.repo, (pull.ref, None, sha))) == 202
        until(lambda: found.answers(pull), 300)
        (job,) = hub.state.jobs.values()
        (answer,) = found.answers(pull)
        assert job.stage == "COMPLETED", job.log
        assert "loads, runs and saves" in answer, (answer, job.log)
        assert "in a Hugging Face Job on cpu-basic, as reported by that machine" in answer
        assert found.settings.token not in json.dumps(job.spec) + "".join(job.log)
        assert serving.stop() == 0
    finally:
        serving.process.kill()


def test_a_gpu_is_asked_for(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    hub.state.run_job = reporting()
    gpu = settings(hub, flavor="t4-small")
    found.settings = replace(found.settings, gpu=replace(OPTIONS, device="cuda"), gpu_jobs=gpu)
    assert found.do(found.work(pull.ref)).conclusion == "success"
    assert not hub.state.jobs
    done = found.ask(pull, "bob", "/cpipe-check gpu")
    assert done.report is not None
    assert done.report.files[0].smoke.verdict is Verdict.RAN
    (job,) = hub.state.jobs.values()
    assert job.spec["flavor"] == "t4-small"
    assert "a Hugging Face Job on `t4-small`" in found.answers(pull)[0]


def test_what_cannot_load_is_answered_without_a_job(hub: Hub) -> None:
    found = scene(hub, {"pipeline.py": BAD})
    assert found.do(smoke=OPTIONS, jobs=settings(hub)).conclusion == "failure"
    assert "CP202" in found.main
    assert not hub.state.jobs


def test_a_job_that_cannot_be_had_is_said(hub: Hub) -> None:
    found = scene(hub)
    pull = hub.open_pr(found.repo, "bob", {"pipeline.py": GOOD})
    hub.faults.respond("POST", "/api/jobs/", 402, headers={"X-Error-Message": "Pre-paid credit is used up"})
    assert found.do(found.work(pull.ref), smoke=OPTIONS, jobs=settings(hub)).conclusion == "neutral"
    assert "Pre-paid credit is used up" in found.answers(pull)[0]


def test_the_servers_settings() -> None:
    told = {"HF_TOKEN": "hf_x", "CPIPE_SMOKE": "hf-jobs", "CPIPE_JOB_FLAVOR": "cpu-upgrade"}
    found = from_environment(told)
    assert found.jobs is not None
    assert found.smoke is not None
    assert (found.jobs.flavor, found.jobs.again, found.gpu, found.gpu_jobs) == ("cpu-upgrade", True, None, None)
    found = from_environment({"HF_TOKEN": "hf_x", "CPIPE_JOB_GPU_FLAVOR": "t4-small"})
    assert found.jobs is None
    assert found.gpu is not None
    assert found.gpu_jobs is not None
    assert (found.gpu_jobs.flavor, found.gpu.device) == ("t4-small", "cuda")


def test_the_option_goes_over_the_variable(hub: Hub) -> None:
    found = scene(hub, FILES)
    hub.state.run_job = reporting()
    command = [sys.executable, "-m", "cpipe_bot", "hub", "check", "alice/pipe", "--dry-run", "--smoke-on", "hf-jobs"]
    told = {"HF_ENDPOINT": hub.url, "HF_TOKEN": found.settings.token, "CPIPE_SMOKE": "off", **IMAGE}
    done = subprocess.run(command, env=CLEAN | told, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "in landlock in a Hugging Face Job on cpu-basic, as reported by that machine" in done.stdout
    assert found.settings.token not in done.stdout + done.stderr
    # Without a token no Job can be had.
    done = subprocess.run(
        command, env=CLEAN | told | {"HF_TOKEN": ""}, capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, "HF_TOKEN is not set" in done.stderr) == (3, True)


def test_a_server_of_a_scene_without_jobs_starts_none(hub: Hub) -> None:
    found: Scene = scene(hub)
    assert found.do().conclusion == "success"
    assert not hub.state.jobs


def _github_check(hub: Hub, tmp_path: Path, token: str) -> tuple[subprocess.CompletedProcess[str], dict[str, bytes]]:
    pull = open_pull_request(tmp_path / "server.git", {"README.md": b"# It\n"}, {PATH: GOOD})
    checkout = pull.check_out(tmp_path / "work")
    output = tmp_path / "output"
    told = {"INPUT_PATH": str(checkout), "INPUT_SMOKE_ON": "hf-jobs", "INPUT_HEAD_SHA": pull.head}
    told |= {"HF_TOKEN": token, "HF_ENDPOINT": hub.url, "CPIPE_JOB_FLAVOR": "t4-small", **IMAGE}
    told |= {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "cpipe_bot", "github", "check"],
        env={name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "HF_", "INPUT_"))}
        | told,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    left = {path.name: path.read_bytes() for path in tmp_path.glob("cpipe-check-*/report.*")}
    return done, left


def test_githubs_trusted_workflow_asks_for_a_job_and_the_publisher_shows_its_word(
    hub: Hub, server: GitHubServer, tmp_path: Path
) -> None:
    hub.state.run_job = reporting(found=FAILED)
    token = hub.token("the-lab")
    done, left = _github_check(hub, tmp_path, token)
    assert done.returncode == 1, done.stderr
    assert token not in done.stdout + done.stderr + "".join(map(str, left.values()))
    (job,) = hub.state.jobs.values()
    assert job.spec["flavor"] == "t4-small"
    found = github_scene(server, {PATH: GOOD})
    found.job()
    home = {"head_repository": found.settings.repository, "head_branch": "main"}
    run = server.add_run(found.pull, "gpu", event="workflow_dispatch", **home)
    server.add_artifact(run, f"cpipe-check-gpu-{found.pull.head}", archive(left["report.json"].decode()))
    found.publisher().publish(found.pull.number)
    assert "On a GPU" in found.comment
    assert "in landlock in a Hugging Face Job on `t4-small`, as reported by that machine" in found.comment
    assert "on our runner" not in found.comment


def test_the_workflow_has_its_token_where_nothing_of_the_pull_request_runs() -> None:
    def steps(name: str) -> list[Any]:
        (job,) = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_bytes())["jobs"].values()
        assert job["permissions"] == {}
        assert job["environment"] == "${{ inputs.environment }}"
        return list(job["steps"])

    ours = steps("gpu-hf-jobs")
    (with_token,) = [step for step in ours if "secrets." in json.dumps(step)]
    assert with_token["run"] == "python -I -m cpipe_bot github check"
    assert with_token["working-directory"] == "cpipe-check"
    assert not [step for step in ours if "pull-request" in step.get("working-directory", "")]
    options = {f"INPUT_{option.name}".upper() for option in check.params}
    assert {name for name in with_token["env"] if name.startswith("INPUT_")} <= options
    # The publisher finds it as it finds the other's.
    names = [
        step["with"][key] for step in ours + steps("gpu") for key in ("name", "artifact") if key in step.get("with", {})
    ]
    assert names == ["cpipe-check-gpu-${{ inputs.head-sha }}"] * 2


def test_github_without_the_hub(hub: Hub, tmp_path: Path) -> None:
    done, left = _github_check(hub, tmp_path, "hf_unknown")
    assert done.returncode == 3
    (file,) = json.loads(left["report.json"])["files"]
    assert file["smoke"]["verdict"] == "not run"
    assert "does not know the bot's token" in file["smoke"]["reason"]
    assert RAN.verdict is Verdict.RAN
