"""How a process is asked to end or to look at its configuration again."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class Asked:
    """What signals have asked for since it was made; only the main thread of a process may make one.

    Attributes:
        end: set by SIGTERM and SIGINT.
    """

    def __init__(self) -> None:
        self.end = threading.Event()
        self._reload = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, self._look_again)

    def take_reload(self) -> bool:
        """Whether SIGHUP came since the last call."""
        was_set = self._reload.is_set()
        self._reload.clear()
        return was_set

    def _end(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.end.set()

    def _look_again(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._reload.set()
