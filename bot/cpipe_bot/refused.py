"""The answer to a claim that is not taken."""


class Refused(Exception):
    """A claim of another machine that is not taken; the message says why."""
