"""unshare, setns, mount, chroot and keys."""

# expect: ran

import ctypes


libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError
    return number

loot(
    lambda: call(272, 0x10000000),
    lambda: call(272, 0x00020000),
    lambda: call(56, 0x10000011, 0, 0, 0, 0),
    lambda: call(165, b"none", b"/tmp", b"tmpfs", 0, 0),
    lambda: call(161, b"."),
    lambda: call(250, 0, -3, 1),
    lambda: call(321, 0, 0, 0),
    lambda: call(298, 0, 0, -1, -1, 0),
    lambda: call(29, 0x1234, 4096, 0o1666),
    lambda: call(240, b"owned", 0o102, 0o666, 0),
)
