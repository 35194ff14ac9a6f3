"""What it returns says of itself that it is whatever is asked."""

# expect: (ran|failed: .*|not run: .*)


class Liar(type):
    def __instancecheck__(cls, value):
        return True

    def __subclasscheck__(cls, value):
        return True


class Lie(metaclass=Liar):
    def __init__(self, kind):
        self.kind = kind

    @property
    def __class__(self):
        return self.kind

    def __getattr__(self, name):
        return lambda *arguments, **named: self

    def __iter__(self):
        return iter([self])

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def on_call(pipe, image):
    return {"images": Lie(type(image)), "text": Lie(dict), "none": Lie(type(None)), "image": image}
