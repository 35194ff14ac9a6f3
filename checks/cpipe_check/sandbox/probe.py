"""The proof that a room is locked: attacks are tried in it, against canaries, and what got through is told.

Looking for binaries or versions proves nothing: a profile, a container or an old kernel may take half of it away.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpipe_check.sandbox import directory
from cpipe_check.sandbox.room import Room
from cpipe_check.sandbox.task import Limits, Task

# What a room can be proven to hold, in the order that reports name it.
FACTS = {
    "reads": "no file outside can be read",
    "writes": "no file outside can be written",
    "network": "no network, not even this machine's own",
    "processes": "no other process can be read, signalled or traced",
    "privileges": "no root, no new privilege, no namespace",
    "limits": "memory, processes, open files, file sizes and time are limited",
    "leftovers": "what a file leaves running is gone before the next",
}
# Without these nothing untrusted runs, whatever the mode.
ESSENTIAL = ("reads", "writes", "network", "processes")
_LIMITS = Limits(seconds=15, memory=1 << 30, processes=12, open_files=64, file_size=1 << 20)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the attacks showed: facts that are proven, and for each other the attacks that got through."""

    proven: tuple[str, ...]
    broken: dict[str, tuple[str, ...]]


def probe(room: Room) -> Capabilities:
    """Try the attacks in a room and return what is proven of it."""
    through: dict[str, list[str]] = {fact: [] for fact in FACTS}
    tried: set[str] = set()
    with _canaries() as canaries:

        def on_event(event: dict[str, Any]) -> None:
            tried.add(event["fact"])
            if not event["stopped"]:
                through[event["fact"]].append(event["attack"])

        payload = {**canaries.addresses, "memory": _LIMITS.memory, "processes": _LIMITS.processes}
        outcome = room.run(Task("cpipe_check.sandbox.attacks:main", payload, _LIMITS), on_event)
        if outcome.exit_code != 0 or outcome.over:
            tried.clear()
        for fact, attack in canaries.touched():
            through[fact].append(attack)
    if outcome.left and room.alive:
        tried.add("leftovers")
    if room.alive:
        room.clear()
        stuck = room.run(Task("cpipe_check.sandbox.attacks:forever", {}, Limits(seconds=0.2)), lambda _: None)
        if stuck.over != "time" or not room.alive:
            through["limits"].append("run beyond the limit of time")
    for fact in FACTS:
        if fact not in tried:
            through[fact].append("the attack did not run to its end")
    proven = tuple(fact for fact in FACTS if not through[fact])
    return Capabilities(proven, {fact: tuple(attacks) for fact, attacks in through.items() if attacks})


@dataclass(frozen=True, slots=True)
class _Canaries:
    """`addresses` is what the attacks are told; the rest is what shows that one got through."""

    addresses: dict[str, Any]
    content: bytes
    streams: tuple[socket.socket, ...]
    datagrams: tuple[socket.socket, ...]

    def touched(self) -> Iterator[tuple[str, str]]:
        """Yield the fact and the attack for every canary that is not as it was."""
        file, folder = Path(self.addresses["file"]), Path(self.addresses["directory"])
        if file.read_bytes() != self.content or len(list(folder.iterdir())) != 1:
            yield "writes", "change files outside"
        for listener in self.streams:
            with contextlib.suppress(OSError):
                listener.accept()[0].close()
                yield "network", f"connect to a {listener.family.name} socket"
        for listener in self.datagrams:
            with contextlib.suppress(OSError):
                listener.recv(1)
                yield "network", f"send to a {listener.family.name} socket"


@contextmanager
def _canaries() -> Iterator[_Canaries]:
    with ExitStack() as stack:
        root = stack.enter_context(directory.scratch())
        root.chmod(0o755)
        folder = root / "canaries"
        folder.mkdir()
        folder.chmod(0o777)
        content = secrets.token_hex(16).encode()
        file = folder / "secret"
        file.write_bytes(content)
        file.chmod(0o666)
        token = secrets.token_hex(8)
        tcp = _listen(stack, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        udp = _listen(stack, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        unix = _listen(stack, socket.AF_UNIX, socket.SOCK_STREAM, str(root / "s"))
        datagrams = _listen(stack, socket.AF_UNIX, socket.SOCK_DGRAM, str(root / "d"))
        abstract = _listen(stack, socket.AF_UNIX, socket.SOCK_STREAM, "\0" + token)
        for name in ("s", "d"):
            (root / name).chmod(0o777)
        victim = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, env={**os.environ, "CANARY": token})
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        addresses = {
            "file": str(file),
            "directory": str(folder),
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "unix": str(root / "s"),
            "datagrams": str(root / "d"),
            "abstract": token,
            "victim": victim.pid,
        }
        yield _Canaries(addresses, content, (tcp, unix, abstract), (udp, datagrams))


def _listen(stack: ExitStack, family: socket.AddressFamily, kind: socket.SocketKind, address: Any) -> socket.socket:
    listener = stack.enter_context(socket.socket(family, kind))
    listener.bind(address)
    if kind == socket.SOCK_STREAM:
        listener.listen()
    listener.setblocking(False)
    return listener
