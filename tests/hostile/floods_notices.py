"""More notices than there can be."""

# expect: failed: in call: its process sent what is no report
# room: lost


def on_call(pipe, image):
    found = channel()
    for number in range(100):
        found.send(event="notice", stage="call", text=str(number))
    return image
