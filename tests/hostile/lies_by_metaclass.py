"""Objects whose every attribute is a trap."""

# expect: (ran|failed: .*)

class Trap:
    def __getattr__(self, name):
        return Trap()

    def __repr__(self):
        return "\x1b[31mLOOT" * 1000

    def __str__(self):
        raise RuntimeError("no text")

    def __iter__(self):
        return iter([self] * 10)

    def __len__(self):
        return 1 << 60


def on_call(pipe, image):
    return {"images": image, "trap": Trap()}
