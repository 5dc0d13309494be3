"""NFWare vCGNAT: port blocks by syslog and by RADIUS accounting.

Source: NFWare vCGNAT 6.3, "Message format": ``A VRF 0 INT 10.0.0.1 EXT 192.0.2.1:1024-1535``, A added, D deleted.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from sekisho.attribution.sources.cgnat.block import Block, Change
from sekisho.attribution.sources.events import LAST_PORT
from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = re.compile(
    r"\b(?P<change>[AD]) VRF (?P<vrf>\d{1,10})(?: (?P<protocol>\d{1,3}))? INT (?P<inside>[\d.]{7,15})(?::\d{1,5})?"
    r" EXT (?P<outside>[\d.]{7,15})(?::(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?)?"
    r"(?: DST (?P<destination>\S{1,60}))?"
)

_PREFIX = "NFWare-vCGNAT-"
_START, _STOP, _INTERIM = 1, 2, 3
_CHANGES = {_START: Change.ALLOCATED, _STOP: Change.RELEASED, _INTERIM: Change.STILL_HELD}
"""Acct-Status-Type (RFC 2866, 5.1)."""


def read_message(message: str) -> Block | SourceReason:
    """The block, the port or the whole address of one message without its syslog header."""
    found = _LINE.search(message)
    if found is None:
        return SourceReason.NOT_RELEVANT
    first = int(found["first"]) if found["first"] else None
    last = int(found["last"]) if found["last"] else first
    try:
        return Block(
            change=Change.ALLOCATED if found["change"] == "A" else Change.RELEASED,
            outside=IPv4Address(found["outside"]),
            port_first=0 if first is None else first,
            port_last=LAST_PORT if last is None else last,
            holder=found["inside"],
            # A port has as many sessions as it has destinations, and is held until the last of them ends.
            session=found[0][2:] if found["protocol"] else "",
        )
    except ValueError:
        return SourceReason.MALFORMED


def read_accounting(attributes: Mapping[str, str | int]) -> Block | SourceReason:
    """The block or port of one accounting request, by attribute name."""
    said = {
        name.removeprefix(_PREFIX).lower(): str(value) for name, value in attributes.items() if name.startswith(_PREFIX)
    }
    if not said:
        return SourceReason.NOT_RELEVANT
    if "inside-addr" not in said:
        return SourceReason.NO_HOLDER
    first = said.get("nat-port-start", said.get("nat-port"))
    if "nat-addr" not in said or first is None:
        return SourceReason.NOTHING_HELD
    session = str(attributes.get("Acct-Session-Id", ""))
    try:
        change = _CHANGES.get(int(attributes.get("Acct-Status-Type", 0)))
        if change is None:
            return SourceReason.UNKNOWN_SHAPE
        return Block(
            change=change,
            outside=IPv4Address(said["nat-addr"]),
            port_first=int(first),
            port_last=int(said.get("nat-port-end", first)),
            holder=said["inside-addr"],
            session=session,
        )
    except ValueError:
        return SourceReason.MALFORMED
