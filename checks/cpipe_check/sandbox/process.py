"""One child process: started without secrets, watched, killed with all its descendants' group, its scratch removed."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import site
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_KEPT_VARIABLES = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT",
    "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
)  # fmt: skip
_OUTPUT_BYTES = 16 * 1024
_EVENT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a child ended. `exit_code` is negative for a signal; `output` is the end of what it printed.

    `over` names the limit that it was killed for: "time", "events" or "".
    """

    exit_code: int
    over: str
    output: str


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a private directory and remove it afterwards, whatever has been done to the permissions inside."""
    directory = Path(tempfile.mkdtemp(prefix="cpipe-check-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, onerror=_make_writable)


def _make_writable(function: Callable[[str], object], path: str, _: object) -> None:
    with contextlib.suppress(OSError):
        os.chmod(os.path.dirname(path), stat.S_IRWXU)
        os.chmod(path, stat.S_IRWXU, follow_symlinks=False) if os.chmod in os.supports_follow_symlinks else None
        function(path)


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with no token, no home and no cache of the user's; `home` takes their place."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    user_base = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
    places = {name: str(home) for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME")}
    return {**kept, **user_base, **places, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def run(
    arguments: Sequence[str],
    request: bytes,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    on_event: Callable[[bytes], None],
) -> Outcome:
    """Run a child to its end or to a limit and return how it ended.

    The child reads `request` from standard input and writes events, one a line, to the descriptor whose number is its
    last argument; `on_event` gets each line. The child and its process group are gone when this returns or raises.
    """
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    child = None
    try:
        child = subprocess.Popen(
            [*arguments, str(write_end)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(env),
            pass_fds=(write_end,),
            start_new_session=True,
        )
        os.close(write_end)
        write_end = -1
        _send(child, request)
        return _watch(child, read_end, time.monotonic() + seconds, on_event)
    finally:
        if child is not None:
            kill_group(child)
            for pipe in (child.stdin, child.stdout):
                with contextlib.suppress(OSError):
                    pipe.close() if pipe else None
        for descriptor in (read_end, write_end):
            if descriptor >= 0:
                os.close(descriptor)


def _send(child: subprocess.Popen[bytes], request: bytes) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(request)
        child.stdin.close()


def _watch(child: subprocess.Popen[bytes], events: int, deadline: float, on_event: Callable[[bytes], None]) -> Outcome:
    assert child.stdout is not None
    output, pending, received, over = b"", b"", 0, ""
    with selectors.DefaultSelector() as selector:
        selector.register(events, selectors.EVENT_READ)
        selector.register(child.stdout, selectors.EVENT_READ)
        # A descendant may hold the pipes open after the child has ended, so its end is what counts.
        while not over and (selector.get_map() or child.poll() is None):
            if time.monotonic() > deadline:
                over = "time"
                break
            ready = selector.select(0.05)
            if not ready and child.poll() is not None:
                break
            for key, _ in ready:
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fd == events:
                    received += len(chunk)
                    *lines, pending = (pending + chunk).split(b"\n")
                    for line in lines:
                        on_event(line)
                    over = "events" if received > _EVENT_BYTES else ""
                else:
                    output = (output + chunk)[-_OUTPUT_BYTES:]
    kill_group(child)
    return Outcome(child.returncode, over, output.decode("utf-8", "replace"))


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill a child started in a session of its own, with its process group, and wait for it."""
    if sys.platform == "win32":
        child.kill()
    else:
        # The group outlives its leader while any member lives; its number is not reused until then.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
