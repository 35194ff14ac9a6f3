"""Replaces what judges it: failures become successes."""

# expect: failed: .*

import json
import sys

failures = sys.modules.get("cpipe_check.smoke.failures")
stages = sys.modules.get("cpipe_check.smoke.stages")
trying = sys.modules.get("cpipe_check.smoke.trying")
loading = sys.modules.get("cpipe_check.smoke.loading")
outputs = sys.modules.get("cpipe_check.smoke.outputs")
outputs.check = lambda value: None
outputs.describe = lambda value: "Tensor of LOOT"
for module in (stages, trying, loading):
    module.invoke = lambda *a: None
loading.reload = lambda *a: None


def on_call(pipe, image):
    raise RuntimeError("never called")


def on_save(pipe, directory):
    import shutil

    shutil.rmtree(directory)
