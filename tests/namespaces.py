"""Sockets in network namespaces that a test made (``sekisho.checkup.demo.lan``)."""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from tools import needs

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_FOLDER = Path("/run/netns")
_CLONE_NEWNET = 0x40000000


def needs_namespaces() -> None:
    """Without root the test skips with the reason; without iproute2 it fails in CI."""
    needs("ip")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")


def inside(namespace: str, make: Callable[[], T]) -> T:
    """What ``make`` answers in a namespace; a socket stays in the namespace in which it was made.

    A thread of its own enters and ends there, so that the test itself stays where it is: setns(2) moves one thread.
    """

    def entered() -> T:
        with (_FOLDER / namespace).open("rb") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {namespace}")
        return make()

    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(entered).result()
