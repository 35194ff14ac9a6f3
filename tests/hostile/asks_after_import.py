"""Asks for a kept reference once its own code runs."""

# expect: failed: in import: its process sent what is no report
# room: lost

ask(forged(event="reference", key="ddpm"))
