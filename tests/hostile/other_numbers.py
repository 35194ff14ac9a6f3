"""System calls by the numbers of x32 and of 32-bit programs."""

# expect: (failed: .*|ran)

import ctypes
import mmap
import platform

if platform.machine() == "x86_64":
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # mov eax, 359 (socket); mov ebx, 1; mov ecx, 1; xor edx, edx; int 0x80; ret
    code.write(bytes.fromhex("b867010000bb01000000b90100000031d2cd80c3"))
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    if ctypes.CFUNCTYPE(ctypes.c_int)(address)() >= 0:
        raise RuntimeError("LOOT socket by int 0x80")
    if ctypes.CDLL(None).syscall(0x40000000 + 41, 1, 1, 0) >= 0:
        raise RuntimeError("LOOT socket by x32")
