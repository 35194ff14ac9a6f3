"""Changes for its second process that name what is no name."""

# expect: failed: in call: its process sent what is no report
# room: lost

CHANGES = {"asked": {"steps": True}, "also": {"../x": "os.system"}, "give": [{}], "before": ["__init__()", 7],
           "forms": {"image": "\x1b[31m"}, "no_example": False, "shortened": False, "author_sizes": False}


def on_call(pipe, image):
    more = {"challenge": channel()._challenge}
    tell(forged_end("call", **more), forged(event="again", why="x", tried="x", changes=CHANGES, **more))
    for stage in ("load", "components", "call"):
        tell(forged(event="begin", stage=stage, **more), *([forged_end(stage, **more)] if stage != "call" else []))
    return image
