"""Open services that answer forged requests with more than was asked, as data: one row a service.

Sizes are IP-layer octets of what such services were seen to send (US-CERT alert TA14-017A and the reports that name
each service); an answer larger than 1,500 octets leaves in fragments (RFC 791, section 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplifier:
    """One abused service.

    Attributes:
        datagrams: how many answer one request.
        octets: of each datagram, or of its first fragment.
        later_fragments: octets of the fragments after the first.
    """

    name: str
    port: int
    request_octets: int
    datagrams: int
    octets: int
    later_fragments: tuple[int, ...] = ()

    @property
    def packets(self) -> int:
        """Packets that leave for one request."""
        return self.datagrams * (1 + len(self.later_fragments))


def _row(name: str, port: int, request: int, datagrams: int, octets: int, later: tuple[int, ...] = ()) -> Amplifier:
    return Amplifier(
        name=name, port=port, request_octets=request, datagrams=datagrams, octets=octets, later_fragments=later
    )


# fmt: off
_ROWS = (
    _row("dns",          53,    70,   1,  1500, (1500, 320)),  # a zone's TXT or DNSKEY records with EDNS at 4,096
    _row("ntp",          123,   36,   10, 468),                # "monlist": six addresses a datagram
    _row("snmp",         161,   70,   1,  1500, (1100,)),      # GetBulk over the system group
    _row("cldap",        389,   80,   1,  1500, (1500,)),      # the root entry of a directory
    _row("ssdp",         1900,  125,  9,  340),                # one datagram a service that the device announces
    _row("arms",         3283,  32,   1,  1034),               # remote desktop management
    _row("ws_discovery", 3702,  57,   1,  1180),               # a fault message or the device's profile
    _row("coap",         5683,  49,   1,  760),                # the list of resources
    _row("memcached",    11211, 43,   70, 1428),               # a stored value of 100 kB
)
# fmt: on

AMPLIFIERS: dict[str, Amplifier] = {row.name: row for row in _ROWS}
"""By name."""
