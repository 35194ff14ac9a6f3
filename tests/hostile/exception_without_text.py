"""An exception whose text raises, with a class that lies."""

# expect: failed: .*

class Odd(Exception):
    def __str__(self):
        raise SystemExit(0)

    @property
    def __class__(self):
        raise RuntimeError


def on_init(pipe):
    raise Odd
