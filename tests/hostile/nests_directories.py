"""A directory nested so deep that removing it is hard."""

# expect: (failed: .*|ran)

import os

here = os.getcwd()
for _ in range(5000):
    os.mkdir("d")
    os.chdir("d")
os.chmod(here + "/d", 0)
os.chdir(here)
