"""Says that it was not run, and that this machine is to blame."""

# expect: not run: no GPU here

import os

tell(forged_end("import"), forged(event="verdict", verdict="not run", reason="no GPU here", unserved=True))
os._exit(0)
