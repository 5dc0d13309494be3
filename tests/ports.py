"""Ports of this machine that nobody uses."""

from __future__ import annotations

import socket
from contextlib import closing


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of 127.0.0.1 that is free now."""
    with closing(socket.socket(socket.AF_INET, kind)) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
