"""Once all has been compared, it puts directories where the checker will read files."""

# expect: failed: its report is not borne out by what it left: model_index\.json is no file

import os

from cpipe_check.smoke import outputs


def swap(*arguments):
    out = os.path.join(os.path.dirname(os.environ["HOME"]), "out")
    for path in (f"{out}/saved/model_index.json", f"{out}/first/0.f32"):
        os.remove(path)
        os.mkdir(path)
    return True


outputs.same = swap
