"""Lists that are written as a whole (hand-over lists, binding tables) as a source."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.attribution.sources.events import Begin, Confirm, End
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sekisho.attribution.sources.events import Event
    from sekisho.core.reasons import SourceReason

POLL_EVENTS = 50_000
"""Events of one call; the caller comes back while there are more."""


@dataclass(slots=True, kw_only=True)
class Listed:
    """A list that is read once; read again, it tells the same facts, which change nothing.

    Attributes:
        kind: what it is, for its name.
        read: gives the rows; raises ``InputError`` at the first one that is wrong.
        position: nothing is read from its middle.
    """

    path: Path
    kind: str
    read: Callable[[], Iterator[Event]]
    name: str = field(init=False)
    position: str = ""
    dropped: Counter[SourceReason] = field(default_factory=Counter)
    _events: Iterator[Event] | None = None

    def __post_init__(self) -> None:
        self.name = f"{self.kind} {self.path.resolve()}"

    def poll(self, now_ms: int) -> Sequence[Event]:
        """The next part of the list; empty at its end."""
        del now_ms  # a list tells facts of the past, whenever it is read
        if self._events is None:
            self._events = self._with_its_time()
        return list(itertools.islice(self._events, POLL_EVENTS))

    def committed(self) -> None:
        """Nobody waits for an answer."""

    def _with_its_time(self) -> Iterator[Event]:
        """The rows, and at the end that one of them still held when the list was written.

        That tells how far the list knows: without it nothing would ever be settled past its newest row.
        """
        try:
            as_of_ms = self.path.stat().st_mtime_ns // 1_000_000
        except OSError as error:
            raise InputError(self.path, f"expected a list that can be read, found: {error.strerror}") from error
        held: Begin | None = None
        for row in self.read():
            if isinstance(row, Begin) and row.at_ms <= as_of_ms and (row.until_ms is None or row.until_ms > as_of_ms):
                held = row
            elif isinstance(row, End) and held is not None and row.session == held.session:
                # A list of events tells the end in a row of its own: that session held no longer.
                held = None
            yield row
        if held is not None:
            yield Confirm(at_ms=as_of_ms, received_ms=as_of_ms, server=held.server, session=held.session)
