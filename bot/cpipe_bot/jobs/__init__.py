"""Durable jobs: what was accepted is done, whatever is killed."""
