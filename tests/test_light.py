"""The static check is light: nothing heavy imported, no network, little memory; the facts are read once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conftest import PIPELINES

_PROBE = """
import socket, sys
def refuse(*args, **kwargs): raise AssertionError("network")
socket.socket.connect = refuse
from cpipe_check.cli import command
code = command.main(["--static", sys.argv[1]], standalone_mode=False)
heavy = {"torch", "diffusers", "transformers", "numpy", "huggingface_hub", "github", "fastapi", "requests", "httpx"}
print(code, sorted(heavy & set(sys.modules)))
# `ru_maxrss` would count what the parent had before it started this program.
status = open("/proc/self/status").read() if sys.platform == "linux" else "VmHWM: 0"
print(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
"""


def test_static_check_is_light() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, str(PIPELINES / "one_step_unet.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    *_, imported, peak = done.stdout.strip().splitlines()
    assert imported == "0 []"
    assert int(peak) < 120e6


@pytest.mark.parametrize("module", ["cpipe_check", "cpipe_bot"])
def test_import_is_light(module: str) -> None:
    program = f"import sys, {module}; print(sorted({{'libcst', 'torch', 'diffusers', 'click'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_bot_command() -> None:
    done = subprocess.run([sys.executable, "-m", "cpipe_bot", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: cpipe-bot")
