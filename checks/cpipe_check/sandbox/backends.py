"""The kinds of room: what each one is started with. What it keeps in is for the probe to show, not for its name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cpipe_check.sandbox.plan import RoomPlan

_IMAGE = "localhost/cpipe-check-room:1"


class Backend(Protocol):
    """One way to make a room."""

    @property
    def name(self) -> str:
        """What `--isolation` calls it."""

    @property
    def own_processes(self) -> bool:
        """Whether its processes see no others."""

    def missing(self) -> str:
        """Return what has to be installed or switched on before it can be tried, "" when nothing."""

    def command(self, plan: RoomPlan, program: Sequence[str], memory: int) -> list[str]:
        """Return the command that runs a program in the room."""

    def stop(self) -> None:
        """End what the death of the command would leave running."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The kernel's own means alone: Landlock, seccomp, a user without rights. Nothing to install.

    By the name of "none" it is a process like any other.
    """

    name: str = "landlock"
    own_processes: bool = False

    def missing(self) -> str:
        """Return what is missing."""
        if self.name == "none":
            return ""
        from cpipe_check.sandbox.linux import landlock, seccomp

        if not seccomp.available():
            return "this processor has no table of system calls here; x86-64 and aarch64 have"
        return "" if landlock.version() else "the kernel has no Landlock (Linux 5.13 or newer, lsm=landlock)"

    def command(self, _plan: RoomPlan, program: Sequence[str], _memory: int) -> list[str]:
        """Return the command."""
        return list(program)

    def stop(self) -> None:
        """There is nothing else to stop."""


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Namespaces of its own by bubblewrap, and the kernel's means inside."""

    name: str = "bwrap"
    own_processes: bool = True

    def missing(self) -> str:
        """Return what is missing."""
        return "" if shutil.which("bwrap") else "bubblewrap is not installed (apt-get install bubblewrap)"

    def command(self, plan: RoomPlan, program: Sequence[str], _memory: int) -> list[str]:
        """Return the command."""
        binds: list[str] = []
        for path in plan.readable:
            if path.startswith(("/dev/", "/proc/")):
                continue
            binds += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
        devices = [word for path in plan.devices for word in ("--dev-bind-try", path, path)]
        # Root stops being root by itself, which takes no more than these.
        kept = ("CAP_SETUID", "CAP_SETGID", "CAP_DAC_READ_SEARCH")
        rights = ["--unshare-user"] if os.geteuid() else [word for name in kept for word in ("--cap-add", name)]
        unshare = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        own = ["--hostname", "room", "--proc", "/proc", "--dev", "/dev"]
        room = ["--bind", plan.directory, plan.directory, "--chdir", "/"]
        # Nothing may be kept for the next task but in the room's directory.
        sealed = ["--remount-ro", "/dev", "--remount-ro", "/"]
        options = [*unshare, "--die-with-parent", "--new-session", "--cap-drop", "ALL", *rights]
        return ["bwrap", *options, *own, *binds, *devices, *room, *sealed, "--", *program]

    def stop(self) -> None:
        """Its processes die with it."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of Docker's or Podman's, on an empty image with this machine's programs mounted to read."""

    name: str
    runtime: str = ""
    container: str = ""
    own_processes: bool = True

    def missing(self) -> str:
        """Return what is missing."""
        if not shutil.which(self.name):
            return f"{self.name} is not installed"
        try:
            done = subprocess.run([self.name, "info"], capture_output=True, timeout=20, check=False)
        except subprocess.TimeoutExpired:
            return f"{self.name} does not answer"
        return "" if done.returncode == 0 else f"{self.name} has no engine to talk to"

    def command(self, plan: RoomPlan, program: Sequence[str], memory: int) -> list[str]:
        """Return the command, having made the empty image if there is none."""
        if subprocess.run([self.name, "image", "inspect", _IMAGE], capture_output=True, check=False).returncode:
            subprocess.run([self.name, "import", "-", _IMAGE], input=_EMPTY_TAR, capture_output=True, check=False)
        user = plan.user if os.geteuid() == 0 else os.getuid()
        options = ["--rm", "-i", "--name", self.container, "--network", "none", "--read-only", "--cap-drop", "ALL"]
        options += [
            "--security-opt",
            "no-new-privileges",
            "--pids-limit",
            "512",
            "--ulimit",
            "nofile=1024:1024",
            "--ulimit",
            "nproc=1024:1024",
            "--user",
            f"{user}:{user}",
        ]
        options += ["--memory", str(memory)] if memory else []
        options += ["--runtime", self.runtime] if self.runtime else []
        options += ["--gpus", "all"] if plan.devices and self.name == "docker" else []
        options += [word for path in plan.devices if self.name != "docker" for word in ("--device", path)]
        if self.name == "podman" and os.geteuid() != 0:
            options += ["--userns", "keep-id"]
        kept = ("PATH", "HOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "HF_HOME", "HF_HUB_OFFLINE")
        options += [word for name in kept for word in ("-e", name)]
        for path in plan.readable:
            if not path.startswith(("/dev/", "/proc/", "/sys/")):
                options += ["-v", f"{path}:{path}:ro"]
        options += ["-v", f"{plan.directory}:{plan.directory}", "-w", plan.directory]
        return [self.name, "run", *options, _IMAGE, *program]

    def stop(self) -> None:
        """Remove the container, which outlives the command."""
        subprocess.run([self.name, "rm", "-f", self.container], capture_output=True, timeout=30, check=False)


# The end of a tape archive with nothing in it.
_EMPTY_TAR = bytes(10240)


def known() -> tuple[Backend, ...]:
    """Return the kinds of room that there are for this system, the strongest first."""
    if sys.platform != "linux":
        return ()
    name = f"cpipe-check-{uuid.uuid4().hex[:12]}"
    containers = [Container("docker", container=name), Container("podman", container=name)]
    if Path("/usr/local/bin/runsc").exists() or shutil.which("runsc"):
        containers.insert(0, Container("docker", runtime="runsc", container=name))
    return (Bubblewrap(), Kernel(), *containers)
