"""ptrace, other processes' memory, descriptors and limits."""

# expect: ran

import ctypes
import os
import resource


libc = ctypes.CDLL(None, use_errno=True)

def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
    return number, arguments

VICTIMS = [int("@@PID@@"), int("@@PARENT@@"), os.getppid()]
buffer = ctypes.create_string_buffer(16)
vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16)
for victim in VICTIMS:
    loot(
        lambda: call(101, 16, victim, 0, 0),
        lambda: call(310, victim, ctypes.byref(vector), 1, ctypes.byref(vector), 1, 0),
        lambda: call(434, victim, 0),
        lambda: open(f"/proc/{victim}/mem", "rb"),
        lambda: open(f"/proc/{victim}/maps").read(),
        lambda: open(f"/proc/{victim}/cmdline").read(),
        lambda: os.readlink(f"/proc/{victim}/cwd"),
        lambda: os.listdir(f"/proc/{victim}/fd"),
        lambda: resource.prlimit(victim, resource.RLIMIT_NOFILE, (1, 1)),
        lambda: os.setpriority(os.PRIO_PROCESS, victim, 19),
        lambda: os.sched_setaffinity(victim, {0}),
    )
