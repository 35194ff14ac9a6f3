"""Replaces every function that judges it by one that finds nothing, and returns nothing."""

# expect: not run: cannot tell: the call returned no image, array or tensor

import sys


def patch():
    for name, module in list(sys.modules.items()):
        if name.startswith("cpipe_check"):
            for attribute in ("check", "describe", "lacking", "one_line", "same"):
                if hasattr(module, attribute):
                    setattr(module, attribute, lambda *a, **k: None)


def on_call(pipe, image):
    patch()
