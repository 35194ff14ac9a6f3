"""Asks for a kept reference once its own code runs."""

# expect: failed: in import: its process sent what is no report

ask(forged(event="reference", key="ddpm"))
