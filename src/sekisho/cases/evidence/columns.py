"""Lists as CSV: rows with an address, a time and mostly a port, in columns that a map names."""

from __future__ import annotations

import csv
import io
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sekisho.cases.evidence.categories import Category
from sekisho.cases.evidence.model import PROTOCOLS, Entry, Parsed, shortened
from sekisho.core.address import parse_address, parse_prefix
from sekisho.core.errors import ConfigError, InputError
from sekisho.core.reasons import ReportReason
from sekisho.core.time import JST, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAX_ENTRIES = 1_000_000
"""Rows of one list: ten times the largest daily report of a large network."""

_KEYS = ("source", "category", "address", "observed_at", "zone", "port", "protocol", "says", "encoding")
_REQUIRED = ("source", "category", "address", "observed_at", "zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where a list says what; several names of a column are tried in their order.

    Attributes:
        zone: of the times that carry none. There is no default: in Japan a wrong one is nine hours, and another line.
        says: columns whose words are kept.
    """

    source: str
    category: Category
    address: tuple[str, ...]
    observed_at: tuple[str, ...]
    zone: tzinfo
    port: tuple[str, ...] = ()
    protocol: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    encoding: str = "utf-8-sig"


def load_columns(path: Path) -> Columns:
    """A map of columns, TOML; ``address`` and the other columns are a name or a list of names.

    Raises:
        InputError: unreadable or no TOML.
        ConfigError: a key is missing, unknown or has a wrong value.
    """
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, f"expected a map of columns as TOML, found: {error}") from error
    for key in [*_REQUIRED, *rows]:
        if key not in _KEYS or key not in rows:
            expected = f"the keys {', '.join(_REQUIRED)}; also {', '.join(_KEYS[len(_REQUIRED) :])}"
            raise ConfigError(path, key, expected=expected, found=rows.get(key))
    try:
        category = Category(rows["category"])
    except ValueError:
        known = " or ".join(category.value for category in Category)
        raise ConfigError(path, "category", expected=known, found=rows["category"]) from None
    names: dict[str, Any] = {
        key: _names(path, key, rows[key])
        for key in ("address", "observed_at", "port", "protocol", "says")
        if key in rows
    }
    texts: dict[str, Any] = {key: _text(path, key, rows[key]) for key in ("source", "encoding") if key in rows}
    return Columns(category=category, zone=parse_zone(path, rows["zone"]), **names, **texts)


def parse_zone(path: Path, text: object) -> tzinfo:
    """``UTC``, ``JST``, ``+09:00`` or a name such as ``Asia/Tokyo``.

    Raises:
        ConfigError: none of these.
    """
    if text in {"UTC", "JST"}:
        return UTC if text == "UTC" else JST
    try:
        if isinstance(text, str) and text[:1] in {"+", "-"}:
            return timezone(datetime.strptime(text, "%z").utcoffset() or timedelta())
        return ZoneInfo(text if isinstance(text, str) else "")
    except (ValueError, OSError, KeyError):
        expected = "UTC, JST, an offset such as +09:00 or a name such as Asia/Tokyo"
        raise ConfigError(path, "zone", expected=expected, found=text) from None


def read_rows(content: bytes, columns: Columns) -> Parsed:
    """Every row of a list; what a row lacks is counted, and the next one is read."""
    parsed = Parsed()
    for row in _rows(content.decode(columns.encoding, "replace"), parsed):
        if len(parsed.entries) >= MAX_ENTRIES:
            parsed.dropped[ReportReason.TOO_LONG] += 1
            continue
        parsed.add(_entry(row, columns))
    return parsed


def header(content: bytes) -> tuple[str, ...]:
    """The names of a CSV's columns; empty where there is no such line."""
    first = content[:65_536].decode("utf-8-sig", "replace").partition("\n")[0]
    try:
        return tuple(name.strip() for name in next(csv.reader([first]), []))
    except csv.Error:
        return ()


def _rows(text: str, parsed: Parsed) -> Iterator[Mapping[str, str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=False)
    lines, whole = text.count("\n"), text.endswith("\n")
    names: list[str] = []
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            parsed.dropped[ReportReason.MALFORMED] += 1
            continue
        if not names:
            names = [cell.strip() for cell in cells]
        elif len(cells) > len(names):
            parsed.dropped[ReportReason.MALFORMED] += 1
        elif len(cells) < len(names) and reader.line_num > lines and not whole:
            # The file ends here, perhaps in the middle of a number.
            parsed.dropped[ReportReason.TRUNCATED] += 1
        elif any(cells):
            # Reports grow columns at their end before all of their rows do.
            yield dict(zip(names, cells, strict=False))


def _entry(row: Mapping[str, str], columns: Columns) -> Entry | ReportReason:
    address = _cell(row, columns.address)
    if not address:
        return ReportReason.NO_ADDRESS
    try:
        parsed_address = parse_address(address)
    except ValueError:
        return ReportReason.NOT_ONE_ADDRESS if _is_prefix(address) else ReportReason.NO_ADDRESS
    observed_at_ms = _time_ms(_cell(row, columns.observed_at), columns.zone)
    if observed_at_ms is None:
        return ReportReason.NO_TIME
    port = _cell(row, columns.port) or "0"
    protocol = _protocol(_cell(row, columns.protocol))
    if not (port.isascii() and port.isdigit() and int(port) <= 0xFFFF) or protocol == 0:
        return ReportReason.MALFORMED
    return Entry(
        source=columns.source,
        category=columns.category,
        observed_at_ms=observed_at_ms,
        address=parsed_address,
        port=int(port),
        protocol=protocol,
        says=shortened(*(row.get(name) for name in columns.says)),
    )


def _cell(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((cell.strip() for name in names if (cell := row.get(name, "")).strip()), "")


def _is_prefix(text: str) -> bool:
    try:
        parse_prefix(text)
    except ValueError:
        return False
    return True


def _time_ms(text: str, zone: tzinfo) -> int | None:
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        return parse_time(aware.isoformat())
    except (ValueError, OverflowError):
        return None


def _protocol(text: str) -> int | None:
    """IANA number; None where nothing is said, 0 where it is no protocol."""
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return int(text) if 0 < int(text) < 256 else 0
    return PROTOCOLS.get(text.lower(), 0)


def _names(path: Path, key: str, value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigError(path, key, expected="the name of a column, or several", found=value)
    return tuple(names)


def _text(path: Path, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(path, key, expected="a text", found=value)
    if key == "encoding":
        try:
            "".encode(value)
        except LookupError:
            raise ConfigError(path, key, expected="an encoding such as utf-8 or cp932", found=value) from None
    return value
