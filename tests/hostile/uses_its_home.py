"""Writes to its home and its temporary directory, as a fair pipeline may."""

# expect: ran

import os
import pathlib
import tempfile

pathlib.Path.home().joinpath(".mine").write_text("x")
with tempfile.NamedTemporaryFile() as file:
    file.write(b"x")
