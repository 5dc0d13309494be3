"""CSV with a header: columns are found by the names that feeds give them, in any order.

The header may stand behind ``#``, as several public feeds write it. A column whose name ends in ``_utc`` has times
without a zone; in every other column a time says its own.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.detect.indicators.fields import address_and_port, port_of, protocol_of, seen_range
from sekisho.detect.indicators.model import Indicator, SkipError, SkipReason, label_of, tells_sinkhole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sekisho.detect.indicators.model import Entry

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "address": (
        *("address", "ip", "ip_address", "dst_ip", "dst", "prefix", "network", "cidr"),
        *("ioc_value", "ioc", "indicator", "value"),
    ),
    "port": ("port", "dst_port", "destination_port"),
    "protocol": ("protocol", "proto"),
    "label": ("label", "malware_printable", "malware", "family", "threat", "name", "description", "tags"),
    "first": ("first_seen", "first_seen_utc", "firstseen"),
    "last": ("last_seen", "last_seen_utc", "lastseen", "last_online", "last_online_utc"),
    "role": ("role", "type", "threat_type"),
}  # fmt: skip
"""Field -> names of its column, the likeliest first."""

DELIMITERS = (",", ";", "\t")

HEADER_LENGTH = 10_000
"""Characters; what is longer is no list of column names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The columns of a file.

    Attributes:
        line: index of the header's line.
        places: field -> index of its column.
        zones: field -> zone of its times where the column's name tells it.
    """

    line: int
    delimiter: str
    places: Mapping[str, int]
    zones: Mapping[str, str]


def header_of(text: str) -> Header | None:
    """The header, if the first line that is no comment is one, or the last comment before it."""
    behind_comment = None
    for index, line in enumerate(text.splitlines()):
        if not line.strip():
            continue
        found = _header(index, line.lstrip("# "))
        if not line.startswith("#"):
            return found or behind_comment
        behind_comment = found or behind_comment
    return None


def read(text: str, name: str) -> Iterator[Entry]:
    """Entries of a file with a header."""
    header = header_of(text)
    assert header is not None
    lines = text.splitlines()[header.line + 1 :]
    rows = csv.reader(lines, delimiter=header.delimiter, skipinitialspace=True)
    for row in _rows(rows):
        place = f"{name}, line {header.line + 1 + rows.line_num}"
        try:
            yield _indicator(row, header, place, name)
        except SkipError as skip:
            yield skip.at(place)


def _rows(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Rows that are no comments; one that is no CSV has no cells."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            row = [""]
        if row and not row[0].startswith("#"):
            yield row


def _header(index: int, line: str) -> Header | None:
    if len(line) > HEADER_LENGTH:
        return None
    for delimiter in DELIMITERS:
        names = [cell.strip().lower() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]
        places = {
            field: names.index(alias)
            for field, aliases in COLUMNS.items()
            if (alias := next((alias for alias in aliases if alias in names), None)) is not None
        }
        if "address" in places:
            zones = {field: "Z" for field, place in places.items() if names[place].endswith("_utc")}
            return Header(line=index, delimiter=delimiter, places=places, zones=zones)
    return None


def _indicator(row: Sequence[str], header: Header, place: str, name: str) -> Indicator:
    cells = {field: row[column].strip() for field, column in header.places.items() if column < len(row)}
    if "address" not in cells:
        expected = f"{header.places['address'] + 1} columns or more"
        raise SkipError(SkipReason.BAD_ROW, expected=expected, found=f"{len(row)}")
    network, port = address_and_port(cells["address"])
    first, last = cells.get("first", ""), cells.get("last", "")
    valid_from_ms, valid_until_ms = seen_range(
        first, last, first_zone=header.zones.get("first", ""), last_zone=header.zones.get("last", "")
    )
    label = cells.get("label", "")
    return Indicator(
        network=network,
        port=port_of(cells.get("port", "")) or port,
        protocol=protocol_of(cells.get("protocol", "")),
        label=label_of(label, default=name),
        source=place,
        is_sinkhole=tells_sinkhole(label, cells.get("role", "")),
        valid_from_ms=valid_from_ms,
        valid_until_ms=valid_until_ms,
    )
