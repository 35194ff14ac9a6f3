"""open_by_handle_at, which needs no path."""

# expect: ran

import ctypes
import os


def by_handle():
    libc = ctypes.CDLL(None, use_errno=True)
    handle = ctypes.create_string_buffer(b"\x80\0\0\0" + bytes(132))
    mount = ctypes.c_int()
    if libc.name_to_handle_at(-100, b"@@CANARY_FILE@@", handle, ctypes.byref(mount), 0):
        raise OSError
    opened = libc.open_by_handle_at(os.open("/usr", os.O_RDONLY), handle, 0)
    return os.read(opened, 100)

loot(by_handle)
