"""The operator's console: what happens now, what waits for a person, and what may be done by whom."""
