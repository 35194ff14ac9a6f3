"""io_uring makes the calls that seccomp would not see."""

# expect: ran

import ctypes
import mmap

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(425, 8, ctypes.create_string_buffer(120)) >= 0:
    raise RuntimeError("LOOT io_uring")
