"""Sparse files beyond the limit, and directories that nobody may enter."""

# expect: ran

import os

try:
    with open("sparse", "wb") as file:
        file.truncate(1 << 45)
    raise RuntimeError("LOOT sparse")
except OSError:
    pass
os.makedirs("locked/inner")
open("locked/inner/file", "w").close()
os.chmod("locked/inner", 0)
os.chmod("locked", 0)
open("name\nwith `odd` \x1b[31m::error::", "w").close()
