"""Tells another device, another reference and other choices than it ran with."""

# expect: failed: in load: its process sent what is no report
# room: lost


def on_init(pipe):
    channel().send(event="setting", reference="LOOT reference", device="cuda LOOT", choices=["unet: LOOT"])
