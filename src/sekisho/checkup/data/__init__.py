"""Readers of public data on vulnerabilities, support and needed connections: files in, typed rows out, no network."""
