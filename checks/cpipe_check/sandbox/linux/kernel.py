"""System calls and process controls that Python has no function for. Linux on x86-64 and aarch64."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_CHILD_SUBREAPER = 36
_CAPABILITY_VERSION = 0x20080522
CAN_READ_ALL = 1 << 2
_LIBC = ctypes.CDLL(None, use_errno=True)


def machine() -> str:
    """Return the machine's name as the kernel has it: "x86_64", "aarch64" ..."""
    return platform.machine()


def system_call(number: int, *arguments: object) -> int:
    """Make a system call and return its result.

    Raises:
        OSError: with the call's errno.
    """
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = int(_LIBC.syscall(ctypes.c_long(number), *converted))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _control(option: int, value: int) -> None:
    if _LIBC.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def no_new_privileges() -> None:
    """Never again gain a privilege by running a program. Landlock and seccomp ask for it."""
    _control(_PR_SET_NO_NEW_PRIVS, 1)


def not_dumpable() -> None:
    """Keep other processes of the same user out of this one's memory, environment and descriptors."""
    _control(_PR_SET_DUMPABLE, 0)


def keep_only(capabilities: int, change_user: Callable[[], None]) -> None:
    """Change the user and give up every capability but those in a bit mask."""
    if capabilities:
        _control(_PR_SET_KEEPCAPS, 1)
    change_user()
    header = ctypes.create_string_buffer(struct.pack("Ii", _CAPABILITY_VERSION, 0))
    # Effective, permitted, inheritable: the lower 32 bits, then the upper.
    sets = ctypes.create_string_buffer(struct.pack("6I", capabilities, capabilities, 0, 0, 0, 0))
    if _LIBC.capset(header, sets):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none escapes."""
    _control(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Be killed when the parent, whose process id is `parent`, ends; at once when it already has."""
    _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
