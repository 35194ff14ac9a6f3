"""The files for deploying agree with each other and with the tree. No container is built here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "bot" / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_what_is_copied_is_there() -> None:
    copied = [name for line in re.findall(r"^COPY (.*)$", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]]
    assert {"checks", "bot", "pyproject.toml"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    sent = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert {name.removeprefix("!") for name in sent if name.startswith("!")} == set(copied)


def test_not_root() -> None:
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["1000"]
    assert "bubblewrap" in DOCKERFILE


def test_one_port() -> None:
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    _, front, _ = (DEPLOY / "space" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    space = yaml.safe_load(front)
    assert (space["sdk"], space["app_port"]) == ("docker", int(port))
    server = compose()["services"]["server"]
    assert server["command"][server["command"].index("--port") + 1] == port
    assert server["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_who_listens_to_which_queue() -> None:
    """The one with the GPU is left out unless it is asked for; all know whether there is one."""
    services = compose()["services"]
    listens = {name: services[name]["command"][-1] for name in ("worker", "gpu-worker")}
    assert listens == {"worker": "cpu", "gpu-worker": "gpu"}
    assert [name for name, service in services.items() if "profiles" in service] == ["gpu-worker"]
    (device,) = services["gpu-worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert all("CPIPE_GPU" in services[name]["environment"] for name in ("server", "worker", "gpu-worker"))


def test_services() -> None:
    """The secrets come from outside, each only to whom it is for."""
    services = compose()["services"]
    assert set(services) == {"server", "worker", "gpu-worker", "database"}
    assert services["worker"]["deploy"]["replicas"] == 2
    for name in ("worker", "gpu-worker"):
        assert "CPIPE_WEBHOOK_SECRET" not in services[name]["environment"]
    for service in services.values():
        for name, value in service["environment"].items():
            secret = re.search("PASSWORD|SECRET|TOKEN|DATABASE", name)
            assert not secret or "${" in value, name
