"""Holds Python's lock in one long operation."""

# expect: failed: in import: not finished after 4 s
# seconds: 4

import re

re.match("(a+)+$", "a" * 60 + "b")
