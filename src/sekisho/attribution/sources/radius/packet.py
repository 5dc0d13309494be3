"""An accounting packet as the attributes of a record; the codec and the authenticator are pyrad's."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from pyrad.packet import AccountingRequest, AcctPacket, PacketError

from sekisho.core.reasons import SourceReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.attribution.sources.radius.records import Attributes


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _number(value: bytes) -> str:
    return str(int.from_bytes(value, "big"))


def _ipv4(value: bytes) -> str:
    return str(IPv4Address(value))


def _ipv6(value: bytes) -> str:
    return str(IPv6Address(value))


def _ipv6_prefix(value: bytes) -> str:
    """RFC 3162, section 2.3: a reserved octet, the length, and as many octets of the prefix as are needed."""
    return f"{IPv6Address(value[2:].ljust(16, bytes(1)))}/{value[1]}"


_ATTRIBUTES: dict[int, tuple[str, Callable[[bytes], str]]] = {
    1: ("User-Name", _text),
    4: ("NAS-IP-Address", _ipv4),
    8: ("Framed-IP-Address", _ipv4),
    9: ("Framed-IP-Netmask", _ipv4),
    22: ("Framed-Route", _text),
    30: ("Called-Station-Id", _text),
    31: ("Calling-Station-Id", _text),
    32: ("NAS-Identifier", _text),
    40: ("Acct-Status-Type", _number),
    41: ("Acct-Delay-Time", _number),
    42: ("Acct-Input-Octets", _number),
    44: ("Acct-Session-Id", _text),
    46: ("Acct-Session-Time", _number),
    52: ("Acct-Input-Gigawords", _number),
    55: ("Event-Timestamp", _number),
    85: ("Acct-Interim-Interval", _number),
    87: ("NAS-Port-Id", _text),
    95: ("NAS-IPv6-Address", _ipv6),
    97: ("Framed-IPv6-Prefix", _ipv6_prefix),
    99: ("Framed-IPv6-Route", _text),
    123: ("Delegated-IPv6-Prefix", _ipv6_prefix),
    168: ("Framed-IPv6-Address", _ipv6),
}


def decode(datagram: bytes, secret: bytes) -> AcctPacket | SourceReason:
    """A request whose authenticator fits the secret."""
    try:
        packet = AcctPacket(packet=datagram, secret=secret)
        if packet.code != AccountingRequest:
            return SourceReason.NOT_RELEVANT
        if not packet.VerifyAcctRequest():
            return SourceReason.WRONG_AUTHENTICATOR
    except PacketError:
        return SourceReason.MALFORMED
    return packet


def attributes(packet: AcctPacket) -> Attributes | None:
    """Values by name; None where one does not fit its type."""
    record: Attributes = {}
    for code, values in packet.items():
        name, text = _ATTRIBUTES.get(code, ("", _text))
        try:
            if name:
                record[name] = [text(value) for value in values]
        except (ValueError, IndexError):
            return None
    return record
