"""Running code that nobody trusts in a process of its own: limits, no secrets, nothing left behind."""
