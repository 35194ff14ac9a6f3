"""Puts functions of its own in the place of the smoke-load's, to tell of choices and a reference that there were not."""

# expect: failed: in load: its process sent what is no report
# room: lost

import sys

for name, module in list(sys.modules.items()):
    if name.startswith("cpipe_check.smoke."):
        for attribute, value in list(vars(module).items()):
            if callable(value) and attribute in ("check", "check_expected", "run_extras", "describe", "following"):
                setattr(module, attribute, lambda *a, **k: None)


def on_init(pipe):
    line = channel()
    plan = sys.modules["cpipe_check.smoke.plan"]
    stages = sys.modules["cpipe_check.smoke.stages"]
    stages.make_plan = plan.make_plan = lambda *a, **k: None
    line.send(event="setting", reference="tiny LOOT", device="cpu", choices=["LOOT"] * 1000)
