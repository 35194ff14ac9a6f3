"""The attacks that a room is tried with, run inside it by our own code. What they reach are canaries of the prober's.

Each attack is a function that returns when it succeeded and raises when it was stopped.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cpipe_check.sandbox.inmate import TaskChannel
from cpipe_check.sandbox.linux import kernel

_PTRACE = {"x86_64": 101, "aarch64": 117}
_READ_MEMORY = {"x86_64": 310, "aarch64": 270}
_UNSHARE = {"x86_64": 272, "aarch64": 97}
_IO_URING_SETUP = 425
_NEW_USER = 0x10000000
_GET_DUMPABLE = 3


class Stopped(Exception):
    """An attack that changed nothing."""


def main(payload: Mapping[str, Any], channel: TaskChannel) -> None:
    """Run every attack; report each with what it tried and whether it was stopped."""
    for fact, attacks in _ATTACKS.items():
        for attack in attacks:
            try:
                attack(payload)
                stopped = False
            except (OSError, Stopped, MemoryError):
                stopped = True
            channel.send(fact=fact, attack=(attack.__doc__ or "").rstrip("."), stopped=stopped)
    _leave_a_daemon()


def forever(_payload: Mapping[str, Any], _channel: TaskChannel) -> None:
    """Never end, deaf to every signal."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def _read_file(canary: Mapping[str, Any]) -> None:
    """read a file outside."""
    Path(canary["file"]).read_bytes()


def _read_through_proc(canary: Mapping[str, Any]) -> None:
    """read a file outside by way of /proc."""
    Path(f"/proc/self/root{canary['file']}").read_bytes()


def _list_directory(canary: Mapping[str, Any]) -> None:
    """list a directory outside."""
    os.listdir(canary["directory"])


def _create(canary: Mapping[str, Any]) -> None:
    """create a file outside."""
    Path(canary["directory"], "created").write_text("x")


def _append(canary: Mapping[str, Any]) -> None:
    """append to a file outside."""
    with open(canary["file"], "a") as file:
        file.write("x")


def _change_mode(canary: Mapping[str, Any]) -> None:
    """change the mode of a file outside."""
    before = _mode(canary["file"])
    os.chmod(canary["file"], 0o600)
    if _mode(canary["file"]) == before:
        raise Stopped


def _mode(path: str) -> int:
    return os.stat(path).st_mode


def _install_package(_canary: Mapping[str, Any]) -> None:
    """write beside the installed packages."""
    path = Path(__file__).parent / f"canary-{os.getpid()}"
    path.write_text("x")
    path.unlink()


def _tcp(canary: Mapping[str, Any]) -> None:
    """connect by TCP."""
    socket.create_connection(("127.0.0.1", canary["tcp"]), 1).close()


def _udp(canary: Mapping[str, Any]) -> None:
    """send by UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"x", ("127.0.0.1", canary["udp"]))
        raise Stopped  # A datagram into an empty network is sent without an error: the listener knows better.


def _unix(canary: Mapping[str, Any]) -> None:
    """connect to a unix socket."""
    with socket.socket(socket.AF_UNIX) as unix:
        unix.connect(canary["unix"])


def _abstract(canary: Mapping[str, Any]) -> None:
    """connect to an abstract unix socket."""
    with socket.socket(socket.AF_UNIX) as unix:
        unix.connect("\0" + canary["abstract"])


def _pair(canary: Mapping[str, Any]) -> None:
    """point a pair of datagram sockets at a unix socket."""
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(b"x", canary["datagrams"])


def _io_uring(_canary: Mapping[str, Any]) -> None:
    """set up io_uring."""
    kernel.system_call(_IO_URING_SETUP, 4, ctypes.create_string_buffer(120))


def _environment(canary: Mapping[str, Any]) -> None:
    """read another process's environment."""
    if not Path(f"/proc/{canary['victim']}/environ").read_bytes():
        raise Stopped


def _own_room(_canary: Mapping[str, Any]) -> None:
    """open the memory of the room's own process."""
    os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDWR))


def _signal(canary: Mapping[str, Any]) -> None:
    """signal another process."""
    os.kill(canary["victim"], 0)


def _signal_room(_canary: Mapping[str, Any]) -> None:
    """signal the room's own process."""
    os.kill(os.getppid(), 0)


def _trace(canary: Mapping[str, Any]) -> None:
    """trace another process."""
    kernel.system_call(_PTRACE[kernel.machine()], 16, canary["victim"], 0, 0)


def _read_memory(_canary: Mapping[str, Any]) -> None:
    """read the memory of the room's own process."""
    buffer = ctypes.create_string_buffer(16)
    vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16)
    number = _READ_MEMORY[kernel.machine()]
    kernel.system_call(number, os.getppid(), ctypes.byref(vector), 1, ctypes.byref(vector), 1, 0)


def _is_root(_canary: Mapping[str, Any]) -> None:
    """be root, or become it by a program."""
    status = Path("/proc/self/status").read_text()
    if os.getuid() != 0 and os.geteuid() != 0 and "NoNewPrivs:\t1" in status:
        raise Stopped


def _new_namespace(_canary: Mapping[str, Any]) -> None:
    """make a user namespace."""
    kernel.system_call(_UNSHARE[kernel.machine()], _NEW_USER)


def _dumpable(_canary: Mapping[str, Any]) -> None:
    """be dumpable."""
    if ctypes.CDLL(None).prctl(_GET_DUMPABLE, 0, 0, 0, 0) != 1:
        raise Stopped


def _big_file(_canary: Mapping[str, Any]) -> None:
    """write a file beyond the limit."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit == resource.RLIM_INFINITY:
        return
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("big", "wb") as file:
        file.truncate(limit + 1)


def _many_files(_canary: Mapping[str, Any]) -> None:
    """open files beyond the limit."""
    with contextlib.ExitStack() as stack:
        for _ in range(5000):
            stack.enter_context(open(os.devnull))


def _much_memory(canary: Mapping[str, Any]) -> None:
    """map memory beyond the limit, private or shared."""
    for flags in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
        try:
            mmap.mmap(-1, canary["memory"] * 2, flags | mmap.MAP_ANONYMOUS).close()
        except (OSError, ValueError):
            continue
        return
    raise Stopped


def _many_processes(canary: Mapping[str, Any]) -> None:
    """start processes beyond the limit."""
    children = []
    wait_end, hold_end = os.pipe()
    try:
        for _ in range(canary["processes"] + 8):
            pid = os.fork()
            if pid == 0:
                os.close(hold_end)
                os.read(wait_end, 1)
                os._exit(0)
            children.append(pid)
    finally:
        # They end when nobody holds the other end; a signal might not reach them.
        os.close(hold_end)
        for pid in children:
            os.waitpid(pid, 0)
        os.close(wait_end)


def _leave_a_daemon() -> None:
    """Two processes outlive this one: a daemon in a session of its own, and one that ignores signals."""
    sys.stdout.flush()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)


_ATTACKS: dict[str, tuple[Callable[[Mapping[str, Any]], None], ...]] = {
    "reads": (_read_file, _read_through_proc, _list_directory),
    "writes": (_create, _append, _change_mode, _install_package),
    "network": (_tcp, _udp, _unix, _abstract, _pair, _io_uring),
    "processes": (_environment, _own_room, _signal, _signal_room, _trace, _read_memory),
    "privileges": (_is_root, _new_namespace, _dumpable),
    "limits": (_big_file, _many_files, _much_memory, _many_processes),
}
