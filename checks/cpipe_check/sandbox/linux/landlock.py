"""Landlock: a process gives up the files it does not name, for itself and all its descendants.

Source: the kernel's Documentation/userspace-api/landlock.rst. Rights that a kernel does not know are left out;
whether what is left is enough is for the probe to show.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Sequence

from cpipe_check.sandbox.linux import kernel

# The same numbers on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
# How many file rights each version of the interface knows.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_RIGHTS = 16
_TCP, _TCP_SINCE = 0b11, 4
_ABSTRACT_SOCKETS_AND_SIGNALS, SCOPES_SINCE = 0b11, 6


def version() -> int:
    """Return the version of Landlock's interface, 0 where the kernel has none."""
    if sys.platform != "linux":
        return 0
    try:
        return kernel.system_call(_CREATE_RULESET, 0, 0, 1)
    except OSError:
        return 0


def restrict(read: Sequence[str], write: Sequence[str], devices: Sequence[str] = ()) -> None:
    """Give up every file but those beneath `read` (to read and run) and `write` (to do all but run and make devices).

    `devices` may be read, written and controlled. TCP is given up too, as are signals to processes outside and their
    abstract sockets, as far as the kernel can. Paths that do not exist are passed over.

    Raises:
        OSError: when the kernel refuses.
    """
    known = version()
    files = (1 << _RIGHTS.get(known, _ALL_RIGHTS)) - 1
    attributes = struct.pack(
        "QQQ", files, _TCP if known >= _TCP_SINCE else 0, _ABSTRACT_SOCKETS_AND_SIGNALS if known >= SCOPES_SINCE else 0
    )
    size = 8 if known < _TCP_SINCE else 16 if known < SCOPES_SINCE else 24
    ruleset = kernel.system_call(_CREATE_RULESET, ctypes.create_string_buffer(attributes, len(attributes)), size, 0)
    try:
        for path in read:
            _allow(ruleset, path, (_READ_FILE | _READ_DIR | _EXECUTE) & files)
        for path in write:
            _allow(ruleset, path, files & ~(_EXECUTE | _MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEV))
        for path in devices:
            _allow(ruleset, path, (_READ_FILE | _WRITE_FILE | _IOCTL_DEV) & files)
        kernel.no_new_privileges()
        kernel.system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FOR_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        kernel.system_call(_ADD_RULE, ruleset, 1, ctypes.create_string_buffer(rule, len(rule)), 0)
    finally:
        os.close(descriptor)
