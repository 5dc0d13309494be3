"""FreeRADIUS ``detail`` files, followed while the server writes them.

A record is a header (the server's local time, no zone), lines of ``name = value`` behind a tab, and an empty line.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from sekisho.attribution.sources.growing import READ_OCTETS, GrowingFile
from sekisho.attribution.sources.radius.records import Rules, event_of
from sekisho.attribution.sources.radius.text_time import head_ms
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timezone
    from pathlib import Path

    from sekisho.attribution.sources.events import Event
    from sekisho.attribution.sources.radius.records import Attributes

MAX_RECORD_OCTETS = 64 << 10
"""A RADIUS packet has at most 4,096 octets (RFC 2866); its text is some times as long."""


class DetailFile:
    """A ``Source`` of one file.

    Args:
        zone: of the headers; without it records that carry no time of their own are not used.
    """

    def __init__(self, path: Path, *, name: str, rules: Rules | None = None, zone: timezone | None = None) -> None:
        self.name = name
        self.dropped: Counter[SourceReason] = Counter()
        self._file = GrowingFile(path)
        self._rules = rules or Rules()
        self._zone = zone

    @property
    def position(self) -> str:
        """Where reading goes on."""
        return self._file.position

    @position.setter
    def position(self, text: str) -> None:
        self._file.position = text

    def poll(self, now_ms: int) -> list[Event]:
        """Whole records since the last call; the half-written last one comes with the next."""
        cut = self._file.cut
        octets = self._file.read()
        whole = octets.rfind(b"\n\n") + 2 if b"\n\n" in octets else 0
        if len(octets) - whole > MAX_RECORD_OCTETS or (not whole and len(octets) == READ_OCTETS):
            self.dropped[SourceReason.TOO_LONG] += 1
            whole = len(octets)
        self._file.give_back(len(octets) - whole)
        self.dropped[SourceReason.FILE_GONE] += self._file.cut - cut
        return list(self._events(octets[:whole].decode("utf-8", "replace"), now_ms))

    def committed(self) -> None:
        """Nobody waits for it."""

    def _events(self, text: str, now_ms: int) -> Iterator[Event]:
        for block in filter(None, text.split("\n\n")):
            event = self._event(block.strip("\n"), now_ms)
            if isinstance(event, SourceReason):
                self.dropped[event] += 1
            else:
                yield event

    def _event(self, block: str, now_ms: int) -> Event | SourceReason:
        head, *lines = block.split("\n")
        record = attributes(lines)
        if record is None:
            return SourceReason.MALFORMED
        try:
            # FreeRADIUS adds the receipt in seconds since 1970 unless it is told not to; then only the head has it.
            stamp = record.get("Timestamp")
            received_ms = head_ms(head, self._zone) if stamp is None else int(stamp[0]) * 1000
        except ValueError:
            return SourceReason.MALFORMED
        if received_ms is None and "Event-Timestamp" not in record:
            return SourceReason.NO_ZONE
        if received_ms is None:
            # The record's own time counts; how late it was is not known, and must not look early.
            event = event_of(record, now_ms, self._rules)
            return event if isinstance(event, SourceReason) else _on_time(event)
        return event_of(record, received_ms, self._rules)


def attributes(lines: list[str]) -> Attributes | None:
    """Values by name of the lines of a record; None where one is no ``name = value``."""
    record: Attributes = {}
    for line in lines:
        name, equals, value = line.strip().partition(" = ")
        if not equals or not line[:1].isspace():
            return None
        record.setdefault(name, []).append(_unquoted(value))
    return record


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[0] != value[-1] or value[0] not in "\"'":
        return value
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def _on_time(event: Event) -> Event:
    return replace(event, received_ms=event.at_ms)
