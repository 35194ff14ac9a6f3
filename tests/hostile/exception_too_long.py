"""An exception with 100 MB of text and ANSI."""

# expect: failed: .*


def on_init(pipe):
    raise RuntimeError("\x1b[2J\x1b]8;;http://evil.example\x07" + "A" * 100_000_000)
