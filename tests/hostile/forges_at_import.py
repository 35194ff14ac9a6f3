"""A report of all stages at import, without the challenge, then a clean exit."""

# expect: failed: in save: its report is not complete

import os

tell(forged_end("import"), *forged_rest("load", "components", "call", "output", "save"))
os._exit(0)
