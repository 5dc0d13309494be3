"""Fields that every format of indicators has in common: addresses, ports, protocols, times."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from sekisho.core.address import parse_address, parse_prefix
from sekisho.core.time import parse_time
from sekisho.detect.indicators.model import (
    ALWAYS_FROM_MS,
    ALWAYS_UNTIL_MS,
    PROTOCOLS,
    SEEN_AFTER_MS,
    SEEN_BEFORE_MS,
    SkipError,
    SkipReason,
)

if TYPE_CHECKING:
    from sekisho.core.address import IPNetwork


def network_of(text: str) -> IPNetwork:
    """An address or a prefix.

    Raises:
        SkipError: the text is neither.
    """
    try:
        return parse_prefix(text) if "/" in text else ip_network(parse_address(text))
    except ValueError:
        expected = "an address, or a prefix without host bits"
        raise SkipError(SkipReason.NOT_AN_ADDRESS, expected=expected, found=text) from None


def port_of(text: str) -> int:
    """A port; 0 where the text is empty.

    Raises:
        SkipError: the text is no port.
    """
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 65_535):
        raise SkipError(SkipReason.BAD_PORT, expected="a port from 1 to 65535", found=text)
    return int(text)


def protocol_of(text: str) -> int:
    """The number of a protocol that has ports; 0 where the text is empty.

    Raises:
        SkipError: another protocol.
    """
    number = PROTOCOLS.get(text.strip().lower())
    if number is None:
        raise SkipError(SkipReason.BAD_PROTOCOL, expected="tcp, udp, 6 or 17", found=text)
    return number


def address_and_port(text: str) -> tuple[IPNetwork, int]:
    """``192.0.2.1``, ``192.0.2.0/24``, ``192.0.2.1:443``, ``[2001:db8::1]:443`` or either with a space before the port.

    Raises:
        SkipError: address or port is none.
    """
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return network_of(address), port_of(port.removeprefix(":").strip())
    if text.count(":") == 1:
        address, _, port = text.partition(":")
        return network_of(address.strip()), port_of(port.strip())
    address, _, port = text.partition(" ")
    return network_of(address), port_of(port.strip())


def time_of(text: str, *, zone: str = "") -> int:
    """Milliseconds UTC of an ISO 8601 time; ``zone`` is added where the column says which one its times have.

    Raises:
        SkipError: no time, or one without a zone.
    """
    try:
        return parse_time(text)
    except ValueError:
        pass
    try:
        return parse_time(text + zone)
    except ValueError:
        expected = "a time with its zone, such as 2026-11-24T12:00:00+09:00"
        raise SkipError(SkipReason.BAD_TIME, expected=expected, found=text) from None


def seen_range(first: str, last: str, *, first_zone: str = "", last_zone: str = "") -> tuple[int, int]:
    """For how long an indicator holds that was seen from ``first`` to ``last``; empty = not told.

    Raises:
        SkipError: one of them is no time.
    """
    return (
        time_of(first, zone=first_zone) - SEEN_BEFORE_MS if first else ALWAYS_FROM_MS,
        time_of(last, zone=last_zone) + SEEN_AFTER_MS if last else ALWAYS_UNTIL_MS,
    )
