"""seccomp: system calls that a process gives up for itself and all its descendants, as a BPF program.

A list of what is refused: what reaches other processes or the network, what Landlock does not watch, and what widens
the kernel's surface without use to a pipeline. Numbers are from the kernel's syscall_64.tbl and asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import struct

from cpipe_check.sandbox.linux import kernel

# name: (x86-64, aarch64); None where the machine has no such call.
_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "accept4": (288, 242), "bind": (49, 200),
    "listen": (50, 201), "socketpair": (53, 199),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "prlimit64": (302, 261), "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setattr": (314, 274), "sched_setaffinity": (203, 122),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "move_mount": (429, 429), "open_tree": (428, 428), "mount_setattr": (442, 442),
    "clone": (56, 220), "clone3": (435, 435),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "personality": (135, 92), "syslog": (103, 116), "quotactl": (179, 60), "acct": (163, 89), "vhangup": (153, 58),
    "inotify_init": (253, None), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "truncate": (76, 45), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463), "removexattrat": (466, 466),
    "mknod": (133, None), "mknodat": (259, 33),
}  # fmt: skip
_AUDIT_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}
_SECCOMP_NUMBER = {"x86_64": 317, "aarch64": 277}

_DENIED = (
    "socket", "connect", "accept", "accept4", "bind", "listen", "ptrace", "process_vm_readv", "process_vm_writev",
    "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "process_madvise", "process_mrelease", "migrate_pages",
    "move_pages", "setpriority", "ioprio_set", "sched_setparam", "sched_setscheduler", "sched_setattr", "mount",
    "umount2", "pivot_root", "chroot", "unshare", "setns", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount",
    "open_tree", "mount_setattr", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "name_to_handle_at", "open_by_handle_at", "personality",
    "syslog", "quotactl", "acct", "vhangup", "inotify_init", "inotify_init1", "fanotify_init", "shmget", "shmat",
    "semget", "msgget", "mq_open", "truncate", "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr",
    "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "setxattrat", "removexattrat",
)  # fmt: skip
# A library that meets these falls back to something else when they seem not to exist.
_ABSENT = ("clone3", "memfd_create", "memfd_secret")
# Landlock does not watch these, so that they would reach any file of the same user. Copying a file calls them, and
# nobody needs what they do here: they succeed and do nothing.
_IGNORED = ("chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "futimesat", "utimensat")
# Allowed on the calling process alone, which their first argument names by 0.
_ONLY_SELF = ("prlimit64", "sched_setaffinity")
_SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
_NAMESPACES = 0x7E020080
_FILE_TYPES = 0o170000
_DEVICES = (0o020000, 0o060000)

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_KILL, _ALLOW, _ERROR = 0x80000000, 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def available() -> bool:
    """Return whether there is a table of system calls for this machine."""
    return kernel.machine() in _COLUMN


def restrict() -> None:
    """Give up the system calls listed above, for good.

    Raises:
        OSError: when the kernel refuses, or this machine has no table.
    """
    if not available():
        raise OSError(errno.ENOSYS, f"no table of system calls for {kernel.machine()}")
    _install(_refusals())


def signal_only_self(pid: int) -> None:
    """Give up signals to any process but `pid`: for kernels whose Landlock does not watch signals."""
    program: list[bytes] = []
    for name in _SIGNALS:
        number = _number(name)
        if number is not None:
            program += [_step(_JUMP_EQUAL, number, 0, 4), _argument(0)]
            program += [_step(_JUMP_EQUAL, pid, 1, 0), _step(_RETURN, _ERROR | errno.EPERM), _step(_LOAD, _NUMBER)]
    _install(program)


def _refusals() -> list[bytes]:
    program: list[bytes] = []
    for names, action in ((_DENIED, errno.EPERM), (_ABSENT, errno.ENOSYS), (_IGNORED, 0)):
        for number in filter(None, map(_number, names)):
            program += [_step(_JUMP_EQUAL, number, 0, 1), _step(_RETURN, _ERROR | action)]
    refuse = _step(_RETURN, _ERROR | errno.EPERM)
    again = _step(_LOAD, _NUMBER)
    for number in filter(None, map(_number, _ONLY_SELF)):
        program += [_step(_JUMP_EQUAL, number, 0, 4), _argument(0), _step(_JUMP_EQUAL, 0, 1, 0), refuse, again]
    clone = _number("clone")
    assert clone is not None
    program += [_step(_JUMP_EQUAL, clone, 0, 4), _argument(0), _step(_JUMP_ANY_BIT, _NAMESPACES, 0, 1), refuse, again]
    # A pair of streams reaches nobody else; a pair of datagram sockets can still be pointed at an address.
    pair = _number("socketpair")
    assert pair is not None
    program += [_step(_JUMP_EQUAL, pair, 0, 5), _argument(1), _step(_AND, 0xF), _step(_JUMP_EQUAL, 1, 1, 0)]
    program += [refuse, again]
    for name, mode in (("mknod", 1), ("mknodat", 2)):
        make = _number(name)
        if make is not None:
            program += [_step(_JUMP_EQUAL, make, 0, 6), _argument(mode), _step(_AND, _FILE_TYPES)]
            program += [_step(_JUMP_EQUAL, _DEVICES[0], 1, 0), _step(_JUMP_EQUAL, _DEVICES[1], 0, 1), refuse, again]
    return program


def _number(name: str) -> int | None:
    return _NUMBERS[name][_COLUMN[kernel.machine()]]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _argument(index: int) -> bytes:
    """Load the lower half of an argument; the upper half carries nothing in the calls looked at."""
    return _step(_LOAD, _FIRST_ARGUMENT + 8 * index)


def _install(rules: list[bytes]) -> None:
    machine = kernel.machine()
    program = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_JUMP_EQUAL, _AUDIT_ARCHITECTURE[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        # The x32 calls have numbers of their own, which no table here knows.
        program += [_step(_JUMP_AT_LEAST, 0x40000000, 0, 1), _step(_RETURN, _KILL)]
    program += [*rules, _step(_RETURN, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(program))
    structure = _Program(len(program), ctypes.addressof(code))
    kernel.no_new_privileges()
    # 1, 1: set a filter, for all threads.
    kernel.system_call(_SECCOMP_NUMBER[machine], 1, 1, ctypes.byref(structure))
