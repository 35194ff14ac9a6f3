"""Goes back to the stage before the import, where references may be added."""

# expect: failed: in import: its process sent what is no report
# room: lost

import os

os.makedirs("reference-9")
tell(forged_end("import"), forged(event="begin", stage="reference"))
ask(forged(event="built", key="stable-diffusion-0123456789abcdef", name="reference-9"))
