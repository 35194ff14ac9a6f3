"""Allocates without end."""

# expect: failed: .*

def on_call(pipe, image):
    hoard = [bytearray(b"x") * (1 << 28) for _ in range(60)]
    return image + len(hoard)
