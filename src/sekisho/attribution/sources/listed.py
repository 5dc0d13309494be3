"""Lists that are written as a whole (hand-over lists, bindings, computed translations) as a source."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sekisho.attribution.sources.events import Event
    from sekisho.core.reasons import SourceReason

POLL_EVENTS = 50_000
"""Events of one call; the caller comes back while there are more."""


@dataclass(slots=True, kw_only=True)
class Listed:
    """A list that is read once; read again, it tells the same facts, which change nothing.

    Attributes:
        read: gives the events; raises ``InputError`` at the first row that is wrong.
        position: nothing is read from its middle.
    """

    name: str
    read: Callable[[], Iterator[Event]]
    position: str = ""
    dropped: Counter[SourceReason] = field(default_factory=Counter)
    _events: Iterator[Event] | None = None

    def poll(self, now_ms: int) -> Sequence[Event]:
        """The next part of the list; empty at its end."""
        del now_ms  # a list tells facts of the past, whenever it is read
        if self._events is None:
            self._events = self.read()
        return list(itertools.islice(self._events, POLL_EVENTS))

    def committed(self) -> None:
        """Nobody waits for an answer."""
