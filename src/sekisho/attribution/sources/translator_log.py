"""The log of an address translator as a source: lines from anywhere, one reader for their format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.attribution.sources.cgnat import juniper, nfware
from sekisho.attribution.sources.cgnat.block import Block, Realms
from sekisho.attribution.sources.cgnat.cef import Cef
from sekisho.attribution.sources.line_inputs import FileLines
from sekisho.attribution.sources.syslog import read_line
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from sekisho.attribution.sources.events import Event
    from sekisho.attribution.sources.line_inputs import Lines


_FORMATS: tuple[Callable[[str], Block | SourceReason], ...] = (
    juniper.read_message,
    Cef().read_message,
    nfware.read_message,
)
"""Formats that tell themselves apart, by a word of their own."""


def read_any(message: str) -> Block | SourceReason:
    """The block of a message of any format that needs no configuration."""
    for read_message in _FORMATS:
        read = read_message(message)
        if read is not SourceReason.NOT_RELEVANT:
            return read
    return SourceReason.NOT_RELEVANT


def log_file(path: Path, *, zone: tzinfo | None, realms: Realms | None = None) -> TranslatorLog:
    """A log file of a translator, its format told by each line."""
    name = f"cgnat {path.resolve()}"
    return TranslatorLog(
        name=name, lines=FileLines(path=path), read_message=read_any, zone=zone, realms=realms or Realms()
    )


@dataclass(slots=True, kw_only=True)
class TranslatorLog:
    """Events of one translator, or of several that write to one place.

    Attributes:
        zone: of headers that name none; without one such messages are ``no_zone`` and tell nothing.
        dropped: reasons of the lines and of their input together.
    """

    name: str
    lines: Lines
    read_message: Callable[[str], Block | SourceReason]
    zone: tzinfo | None = None
    realms: Realms = field(default_factory=Realms)
    dropped: Counter[SourceReason] = field(init=False)

    def __post_init__(self) -> None:
        self.dropped = self.lines.dropped

    @property
    def position(self) -> str:
        """Where reading goes on after a restart."""
        return self.lines.position

    @position.setter
    def position(self, place: str) -> None:
        self.lines.position = place

    def poll(self, now_ms: int) -> Sequence[Event]:
        """What came since the last call."""
        events: list[Event] = []
        for line in self.lines.poll():
            read = self._event(line, now_ms)
            if isinstance(read, SourceReason):
                self.dropped[read] += 1
            else:
                events.append(read)
        return events

    def committed(self) -> None:
        """Nothing waits for an answer: syslog has none."""

    def close(self) -> None:
        """Give the file or the socket back."""
        self.lines.close()

    def _event(self, line: bytes, now_ms: int) -> Event | SourceReason:
        message = read_line(line, received_ms=now_ms, zone=self.zone)
        if isinstance(message, SourceReason):
            return message
        block = self.read_message(message.text)
        if isinstance(block, SourceReason):
            return block
        received_ms = now_ms if self.lines.live else message.at_ms
        return block.event(self.realms, at_ms=message.at_ms, received_ms=received_ms, server=message.host)
