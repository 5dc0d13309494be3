"""The accounting table of a RADIUS server, exported as CSV: where a first start begins, with every session open.

Columns by name, those of FreeRADIUS's ``radacct``: ``acctsessionid, username, nasipaddress, acctstarttime`` and, where
they are there, ``acctupdatetime, acctstoptime, framedipaddress, framedipv6prefix, delegatedipv6prefix,
framedipv6address, acctinputoctets``. Other columns are other attributes' business and are left alone.
"""

from __future__ import annotations

import csv
from datetime import datetime
from typing import TYPE_CHECKING

from sekisho.attribution.sources.events import Begin, Confirm, End
from sekisho.attribution.sources.radius.records import Rules, event_of
from sekisho.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

    from sekisho.attribution.sources.events import Event
    from sekisho.attribution.sources.radius.records import Attributes

REQUIRED = ("acctsessionid", "username", "nasipaddress", "acctstarttime")

_ATTRIBUTES = {
    "acctsessionid": "Acct-Session-Id",
    "username": "User-Name",
    "nasipaddress": "NAS-IP-Address",
    "callingstationid": "Calling-Station-Id",
    "nasportid": "NAS-Port-Id",
    "framedipaddress": "Framed-IP-Address",
    "framedipv6prefix": "Framed-IPv6-Prefix",
    "delegatedipv6prefix": "Delegated-IPv6-Prefix",
    "framedipv6address": "Framed-IPv6-Address",
    "acctinputoctets": "Acct-Input-Octets",
}


def read_radacct(path: Path, *, zone: tzinfo, rules: Rules | None = None) -> Iterator[Event]:
    """Every session's beginning, last sign and end.

    The times are those of ``zone``: the database writes them without one.

    Raises:
        InputError: unreadable, a column is missing, or a row that cannot be used: an export is whole or wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(path, f"expected the columns {', '.join(REQUIRED)}, found no {missing[0]}", line=1)
            for row in reader:
                yield from _events(path, reader.line_num, row, zone, rules or Rules())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, f"expected CSV (UTF-8), found: {error}") from error


def is_radacct(path: Path) -> bool:
    """Whether a file begins like an export of the table; a ``detail`` file begins with a time."""
    try:
        with path.open("rb") as file:
            header = file.readline(4096)
    except OSError:
        return False
    return REQUIRED[0].encode() in header and b"," in header


def _events(path: Path, line: int, row: dict[str, str], zone: tzinfo, rules: Rules) -> Iterator[Event]:
    record: Attributes = {
        attribute: [row[column]]
        for column, attribute in _ATTRIBUTES.items()
        if row.get(column) not in {None, "", "NULL"}
    }
    signs = (
        ("acctstarttime", "Start", Begin),
        ("acctupdatetime", "Interim-Update", Confirm),
        ("acctstoptime", "Stop", End),
    )
    for column, status, kind in signs:
        text = row.get(column) or ""
        if text in {"", "NULL", "0000-00-00 00:00:00"} and column != "acctstarttime":
            continue
        try:
            at_ms = round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)
        except ValueError:
            raise InputError(path, f"{column}: expected a time, found {text!r}", line=line) from None
        event = event_of({**record, "Acct-Status-Type": [status]}, at_ms, rules)
        if not isinstance(event, kind):
            raise InputError(path, f"expected a session with its line and what it holds, found: {event}", line=line)
        yield event
