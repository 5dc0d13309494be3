"""Kea's lease files (memfile), IPv4, IPv6 and delegated prefixes.

A row is a lease at one moment: it began ``valid_lifetime`` before ``expire``. The server rewrites the file now and then
and forgets what is over, so it is read while it grows and the history keeps what was seen.
"""

from __future__ import annotations

import csv
from collections import Counter
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from sekisho.attribution.sources.events import Confirm, End, Held
from sekisho.attribution.sources.growing import GrowingFile
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.attribution.sources.events import Event
    from sekisho.core.address import IPNetwork

GENERATIONS = (".completed", ".2", ".1", "")
"""What the clean-up leaves beside the file, the oldest first: the file of before, its result, and what it works on."""

DECLINED, RECLAIMED, RELEASED = "1", "2", "3"
"""States of a lease; a file of before Kea 1.0 has none."""

_REQUIRED = {"address", "valid_lifetime", "expire"}
_PREFIX_DELEGATION = "2"
_COMMA = "&#x2c"
"""How Kea writes a comma inside a value."""


class KeaFile:
    """A ``Source`` of one lease file and its generations.

    Args:
        line: template of the line's identifier over the columns; else ``{duid}`` where there is one, ``{hwaddr}`` else.
    """

    def __init__(self, path: Path, *, name: str, line: str | None = None, realm: str = "") -> None:
        self.name = name
        self.position = ""
        self.dropped: Counter[SourceReason] = Counter()
        self._files = [GrowingFile(path.with_name(path.name + ending)) for ending in GENERATIONS]
        self._headers: dict[int, list[str]] = {}
        self._line = line
        self._realm = realm

    def poll(self, now_ms: int) -> list[Event]:
        """Rows since the last call; a row that is being written comes with the next."""
        del now_ms  # the rows say when they were written
        return [event for number in range(len(self._files)) for event in self._of_file(number)]

    def committed(self) -> None:
        """Nobody waits for it."""

    def _of_file(self, number: int) -> Iterator[Event]:
        file = self._files[number]
        octets = file.read()
        whole = octets.rfind(b"\n") + 1
        file.give_back(len(octets) - whole)
        for cells in csv.reader(octets[:whole].decode("utf-8", "replace").splitlines()):
            if cells[:1] == ["address"]:
                self._headers[number] = cells
                continue
            event = self._event(self._headers.get(number, []), cells)
            if isinstance(event, SourceReason):
                self.dropped[event] += 1
            else:
                yield event

    def _event(self, header: list[str], cells: list[str]) -> Event | SourceReason:
        if len(cells) != len(header) or not header:
            return SourceReason.MALFORMED
        if not _REQUIRED.issubset(header):
            return SourceReason.UNKNOWN_SHAPE
        row = {name: cell.replace(_COMMA, ",") for name, cell in zip(header, cells, strict=True)}
        if row.get("state") == DECLINED:
            return SourceReason.NOT_RELEVANT
        holder = self._holder(row)
        try:
            return SourceReason.NO_HOLDER if holder is None else self._lease(row, holder)
        except ValueError:
            return SourceReason.MALFORMED

    def _holder(self, row: dict[str, str]) -> str | None:
        """The client; a reclaimed lease may have lost it, and its earlier rows have told until when it was valid."""
        template = self._line or ("{duid}" if row.get("duid") else "{hwaddr}")
        try:
            return template.format_map(row) or None
        except KeyError:
            return None

    def _lease(self, row: dict[str, str], holder: str) -> Event:
        prefix = _prefix(row)
        expire_ms, lifetime_ms = int(row["expire"]) * 1000, int(row["valid_lifetime"]) * 1000
        at_ms = expire_ms - lifetime_ms
        common: dict[str, Any] = {
            "received_ms": at_ms,
            "server": self.name,
            "session": f"{prefix} {holder}",
            "holder": holder,
            "held": (Held(prefix=prefix, realm=self._realm),),
        }
        if row.get("state") in {RECLAIMED, RELEASED} or lifetime_ms == 0:
            return End(**(common | {"at_ms": expire_ms, "received_ms": expire_ms}))
        return Confirm(at_ms=at_ms, until_ms=expire_ms, **common)


def _prefix(row: dict[str, str]) -> IPNetwork:
    if row.get("lease_type") == _PREFIX_DELEGATION:
        return ip_network(f"{row['address']}/{row['prefix_len']}")
    return ip_network(row["address"])
