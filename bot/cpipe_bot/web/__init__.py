"""The dashboard: what was checked, and what came of it."""
