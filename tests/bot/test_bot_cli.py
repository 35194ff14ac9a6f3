"""`cpipe-bot github publish` as a job runs it: a process, the runner's environment, a token or an App."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.publishing import GOOD, MOVED, PATH, PERMISSIONS, Scene, scene
from github_server import GitHubServer

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CPIPE_"))}


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cpipe_bot", "github", "publish", *arguments]
    return subprocess.run(command, env=CLEAN | environment, capture_output=True, text=True, check=False, timeout=120)


def _environment(found: Scene, event: Path | None = None, name: str = "workflow_run") -> dict[str, str]:
    known = {"GITHUB_REPOSITORY": "octo-org/pipelines", "GITHUB_API_URL": found.server.base_url}
    known |= {"GITHUB_TOKEN": found.token}
    return known if event is None else known | {"GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": name}


def _event(found: Scene, path: Path) -> Path:
    run = {
        "event": "pull_request",
        "id": 1,
        "head_sha": found.pull.head,
        "head_branch": found.pull.head_branch,
        "head_repository": {"full_name": found.pull.head_repository},
        # What a fork could have put there is not looked at.
        "pull_requests": [{"number": 99}],
    }
    path.write_text(json.dumps({"workflow_run": run}))
    return path


def test_a_finished_job(server: GitHubServer, tmp_path: Path) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    done = _run("--check-workflow", "check.yml", **_environment(found, _event(found, tmp_path / "event.json")))
    assert (done.returncode, done.stdout) == (0, "published: #1\n"), done.stderr
    assert "multicontrolnet" in found.comment


def test_the_head_moved_before_it_began(server: GitHubServer, tmp_path: Path) -> None:
    found = scene(server, {PATH: MOVED})
    found.job()
    event = _event(found, tmp_path / "event.json")
    server.push(found.pull, {PATH: GOOD})
    done = _run("--check-workflow", "check.yml", **_environment(found, event))
    assert (done.returncode, done.stdout) == (0, "published: nothing\n"), done.stderr
    assert found.comments == []


def test_an_app(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with GitHubServer(prefix="/api/v3") as server:
        found = scene(server, {PATH: MOVED})
        found.job()
        app = server.add_app("pipe-bot", public.decode(), **PERMISSIONS)
        environment = _environment(found, _event(found, tmp_path / "event.json"))
        environment |= {"CPIPE_APP_ID": str(app.id), "CPIPE_APP_PRIVATE_KEY": pem, "GITHUB_TOKEN": ""}
        for _ in range(2):
            done = _run("--check-workflow", "check.yml", **environment)
            assert done.returncode == 0, done.stderr
        (comment,) = server.comments(found.pull)
        assert comment.author == "pipe-bot[bot]"
        assert not server.violations


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "told"),
    [
        ([], {}, 2, "give --repository OWNER/NAME"),
        (["--repository", "../x/y"], {}, 2, "is no repository"),
        (["--repository", "o/r"], {}, 3, "GITHUB_EVENT_PATH is not set"),
        (["--repository", "o/r", "--pull-request", "1"], {}, 3, "no GITHUB_TOKEN"),
        (["--repository", "o/r", "--pull-request", "0"], {}, 2, "Invalid value"),
        (["--repository", "o/r"], {"GITHUB_EVENT_PATH": "/nowhere"}, 3, "cannot be read"),
        (
            ["--repository", "o/r", "--pull-request", "1"],
            {"CPIPE_APP_ID": "1", "CPIPE_APP_PRIVATE_KEY": "no key"},
            3,
            "no private key",
        ),
        (
            ["--repository", "o/r", "--pull-request", "1"],
            {"GITHUB_TOKEN": "x", "GITHUB_API_URL": "http://127.0.0.1:9"},
            3,
            "does not answer",
        ),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], environment: dict[str, str], code: int, told: str) -> None:
    done = _run(*arguments, **environment)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_job_it_is_an_annotation_too(server: GitHubServer) -> None:
    found = scene(server, {PATH: GOOD})
    found.job()
    less = server.token(**{**PERMISSIONS, "checks": "read"})
    environment = _environment(found) | {"GITHUB_TOKEN": less, "GITHUB_ACTIONS": "true"}
    done = _run("--pull-request", "1", "--check-workflow", "check.yml", **environment)
    assert done.returncode == 3
    assert done.stdout.startswith("::error title=cpipe-bot::GitHub refuses this token (403): it needs `checks: write`")
