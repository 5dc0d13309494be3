"""Junos port-block allocation: ``RT_SRC_NAT_PBA_ALLOC``, ``_INTERIM`` and ``_RELEASE``, as a sentence or as pairs.

Source: Junos system log explorer, RT_SRC_NAT_PBA_*; NFWare's translator writes the pairs too.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from sekisho.attribution.sources.cgnat.block import Block, Change
from sekisho.core.reasons import SourceReason

_CHANGES = {"ALLOC": Change.ALLOCATED, "INTERIM": Change.STILL_HELD, "RELEASE": Change.RELEASED}

_NAME = re.compile(r"\bRT_SRC_NAT_PBA_(?P<change>[A-Z]+)\b")
_SENTENCE = re.compile(
    r"Subscriber (?P<inside>\S{1,45}) used/maximum \[\d+/\d+\] blocks,"
    r"(?: allocates| releases| interim)? ?port block \[(?P<first>\d{1,5})-(?P<last>\d{1,5})\]"
    r" from (?P<outside>[\d.]{7,15}) in source pool \S+(?:.{0,80}? epoch (?:0x)?(?P<epoch>[0-9a-fA-F]{1,16}))?"
)
_PAIR = re.compile(r'([a-z0-9-]{1,40})="([^"]{0,100})"')
_PAIR_NAMES = {
    "inside": "internal-ip",
    "outside": "reflexive-ip",
    "first": "block-port-low",
    "last": "block-port-high",
    "epoch": "epoch-time-64",
}


def read_message(message: str) -> Block | SourceReason:
    """The block of one message without its syslog header."""
    name = _NAME.search(message)
    if name is None:
        return SourceReason.NOT_RELEVANT
    change = _CHANGES.get(name["change"])
    if change is None:
        return SourceReason.UNKNOWN_SHAPE
    sentence = _SENTENCE.search(message, name.end())
    pairs = dict(_PAIR.findall(message, name.end()))
    said = sentence.groupdict() if sentence else {key: pairs.get(there) for key, there in _PAIR_NAMES.items()}
    try:
        return Block(
            change=change,
            outside=IPv4Address(said["outside"] or ""),
            port_first=int(said["first"] or ""),
            port_last=int(said["last"] or ""),
            holder=said["inside"] or "",
            # In an interim message the epoch is that of the allocation; a release may carry its own.
            since_ms=_epoch_ms(said["epoch"]) if change is Change.STILL_HELD else None,
        )
    except ValueError:
        return SourceReason.MALFORMED


def _epoch_ms(text: str | None) -> int | None:
    """Hexadecimal Unix seconds; 0 where the translator does not know."""
    seconds = int(text, 16) if text else 0
    return seconds * 1000 if 0 < seconds < 1 << 33 else None
