"""One file without end, then many."""

# expect: failed: .*(wrote more|OSError|killed by SIGXFSZ|File too large).*

with open("big", "wb") as file:
    for _ in range(400):
        file.write(bytes(1 << 26))


def on_init(pipe):
    raise RuntimeError("LOOT 26 GB")
