"""Sekisho finds the subscriber lines that send unintended mass traffic and shows by the traffic when it is over."""

__version__ = "0.1.0"
