"""Changes for its second process of a size that the checker itself never asks for."""

# expect: failed: in call: its process sent what is no report
# room: lost

CHANGES = {"asked": {"image_size": 1 << 60, "frames": 10**300}, "also": {}, "give": [], "before": [], "forms": {},
           "no_example": False, "shortened": False, "author_sizes": False}


def on_call(pipe, image):
    more = {"challenge": channel()._challenge}
    tell(forged_end("call", **more), forged(event="again", why="x", tried="x", changes=CHANGES, **more))
    for stage in ("load", "components", "call"):
        tell(forged(event="begin", stage=stage, **more), *([forged_end(stage, **more)] if stage != "call" else []))
    return image
