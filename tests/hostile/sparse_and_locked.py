"""Sparse files beyond the limit, and directories that nobody may enter."""

# expect: ran

import os

try:
    with open("sparse", "wb") as file:
        file.truncate(1 << 45)
    raise RuntimeError("LOOT sparse")
except OSError:
    pass
# Not once: the loader runs the file anew, after the smoke-load has imported it.
os.makedirs("locked/inner", exist_ok=True)
open("locked/inner/file", "w").close()
os.chmod("locked/inner", 0)
os.chmod("locked", 0)
open("name\nwith `odd` \x1b[31m::error::", "w").close()
