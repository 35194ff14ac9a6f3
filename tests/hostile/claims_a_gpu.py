"""Tells another device and reference than it ran on."""

# expect: failed: .*

import gc


def on_init(pipe):
    for item in gc.get_objects():
        if type(item).__name__ == "Channel":
            item.send(event="setting", reference="LOOT reference", device="cuda LOOT")
