"""Has a reference of its own kept for the files that come after, by the protocol's own words."""

# expect: failed: in import: its process sent what is no report
# room: lost

import os

os.makedirs("reference-9/unet")
open("reference-9/model_index.json", "w").write('{"_class_name": ["../work/evil", "Evil"]}')
ask(forged(event="built", key="stable-diffusion-0123456789abcdef", name="reference-9"))
