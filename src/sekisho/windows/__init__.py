"""Flows folded into what a line sent and received in ten seconds, and to whom in ten minutes."""
