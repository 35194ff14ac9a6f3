"""Says again and again that its call has to be tried with other inputs."""

# expect: failed: in call: its process sent what is no report
# room: lost

CHANGES = {"asked": {}, "also": {}, "give": [], "before": [], "forms": {}, "no_example": False, "shortened": False, "author_sizes": False}


def on_call(pipe, image):
    line = channel()
    for number in range(1000):
        more = {"challenge": line._challenge}
        tell(forged_end("call", **more), forged(event="again", why="x", tried=str(number), changes=CHANGES, **more))
        for stage in ("load", "components", "call"):
            tell(forged(event="begin", stage=stage, **more), *([forged_end(stage, **more)] if stage != "call" else []))
    return image
