"""Smoke-loads in Hugging Face Jobs: one Job for each pipeline file, its word taken as a claim."""
