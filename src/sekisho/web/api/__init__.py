"""The REST API, version 1: what the console does, for programs."""
