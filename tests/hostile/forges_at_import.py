"""A complete report at import, then a clean exit."""

# expect: failed: in import: its process sent what is no report

import os

tell(forged_end("import"), *forged_rest("load", "components", "call", "output", "save"))
os._exit(0)
