"""Prints without end."""

# expect: failed: .*(printed more than|not finished).*

import os

while True:
    os.write(1, b"::error::flood\n" * 5000)
