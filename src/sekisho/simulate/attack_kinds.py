"""What each kind of unwanted traffic looks like unless a scenario says otherwise, as data: one row a kind.

Figures follow what botnets of the years 2016 to 2025 were reported to send: direct, not spoofed, 500 to 750 octets,
pseudo-random ports and flags, on and off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sekisho.simulate.flows import ACK, FIN, PSH, RST, URG

if TYPE_CHECKING:
    from collections.abc import Mapping


class Manner(StrEnum):
    """How packets belong together."""

    PACKETS = "packets"
    """Each packet is by itself: another port, target or size than the one before."""
    CONNECTIONS = "connections"
    """A fixed pace of connections, each complete, refused, or without an answer."""
    REFLECTION = "reflection"
    """The line receives requests, and answers a victim that has not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackKind:
    """One kind of detection and the traffic that deserves it.

    Attributes:
        targets_v4, targets_v6: by the IP version of the attack.
        values: further values of a scenario's attack, where it names none.
        has_ports: a line behind a shared IPv4 address can be told; without ports it cannot.
        forged_v4, forged_v6: prefixes of the sources, where they are not the line's own.
    """

    name: str
    manner: Manner
    targets_v4: tuple[str, ...]
    targets_v6: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    has_ports: bool = True
    forged_v4: tuple[str, ...] = ()
    forged_v6: tuple[str, ...] = ()


_VICTIM_V4, _VICTIM_V6 = ("203.0.113.7/32",), ("2001:db8:f000:5::80/128",)
_EVERYWHERE_V4, _EVERYWHERE_V6 = ("240.0.0.0/4",), ("2001:db8:e000::/36",)
"""Reserved addresses stand for the whole Internet, so that no scan is drawn over anybody's network."""
_MANY_V4, _MANY_V6 = ("198.51.100.0/24", "203.0.113.0/24"), ("2001:db8:f000:25::/112",)
FORGED_V4, FORGED_V6 = ("12.0.0.0/6", "128.0.0.0/3"), ("2600::/12", "2a00::/12")
"""Public addresses that are nobody's here. A forged source must look like one: special-use addresses are leaks."""

_RANDOM_FLAGS = (ACK, ACK, ACK, PSH | ACK, PSH | ACK, FIN | ACK, RST | ACK, URG | PSH | FIN)


def _kind(
    name: str, manner: Manner, v4: tuple[str, ...], v6: tuple[str, ...], /, *, has_ports: bool = True, **values: Any
) -> AttackKind:
    return AttackKind(name=name, manner=manner, targets_v4=v4, targets_v6=v6, has_ports=has_ports, values=values)


# fmt: off
_ROWS = (
    # Generic UDP of Mirai's descendants: random payload, every packet to another port.
    _kind("udp_flood", Manner.PACKETS, _VICTIM_V4, _VICTIM_V6, protocol="udp", octets=(540, 640, 750), pps=20_000),
    _kind("tcp_syn_flood", Manner.PACKETS, _VICTIM_V4, _VICTIM_V6,
          protocol="tcp", octets=44, pps=20_000, ports=(443,), accepted=0.01),
    # ACK and "stomp" floods: no connection was ever opened, so a host that still can answers with RST.
    _kind("tcp_flood", Manner.PACKETS, _VICTIM_V4, _VICTIM_V6,
          protocol="tcp", octets=(552, 640), pps=20_000, flags=_RANDOM_FLAGS, refused=0.2),
    _kind("icmp_flood", Manner.PACKETS, _VICTIM_V4, _VICTIM_V6, has_ports=False,
          protocol="icmp", octets=(84, 1028), pps=15_000, accepted=0.1),
    # Mirai's GREIP: a forged IP and UDP packet of 512 octets of payload inside GRE.
    _kind("gre_flood", Manner.PACKETS, _VICTIM_V4, _VICTIM_V6, has_ports=False, protocol="gre", octets=540, pps=15_000),
    # Datagrams of 65,507 octets, of which 44 in 45 packets are later fragments.
    _kind("fragment_flood", Manner.PACKETS, _VICTIM_V4, _VICTIM_V6, has_ports=False,
          protocol="udp", octets=1500, pps=12_000, fragment_offset=185),
    _kind("http_flood", Manner.CONNECTIONS, _VICTIM_V4, _VICTIM_V6,
          protocol="tcp", octets=190, pps=3_000, ports=(443, 80), connection_packets=8, connection_s=0.8,
          accepted=0.85, refused=0.05, answer_octets=700),
    # Random names under one domain through the provider's resolvers, which answer until they are too busy.
    _kind("dns_flood", Manner.PACKETS, ("203.0.113.53/32", "203.0.113.54/32", "198.51.100.53/32"),
          ("2001:db8:f000:53::1/128", "2001:db8:f000:53::2/128"),
          protocol="udp", octets=(62, 71, 80, 89), pps=3_000, ports=(53,), accepted=0.6, answer_octets=140),
    _kind("reflection", Manner.REFLECTION, ("203.0.113.7/32", "203.0.113.99/32", "198.51.100.20/32"),
          ("2001:db8:f000:5::80/128", "2001:db8:f000:5::81/128"),
          protocol="udp", octets=1500, pps=3_000, service="dns", accepted=1.0),
    _kind("scan", Manner.PACKETS, _EVERYWHERE_V4, _EVERYWHERE_V6,
          protocol="tcp", octets=40, pps=400, ports=(*[23] * 9, 2323), refused=0.05, accepted=0.002),
    # A password a connection, until the server's limit closes it.
    _kind("brute_force", Manner.CONNECTIONS, ("203.0.113.64/29",), ("2001:db8:f000:22::/125",),
          protocol="tcp", octets=110, pps=60, ports=(22,), connection_packets=14, connection_s=3.0,
          accepted=0.85, refused=0.1, answer_octets=130),
    _kind("spam", Manner.CONNECTIONS, _MANY_V4, _MANY_V6,
          protocol="tcp", octets=700, pps=60, ports=(25,), connection_packets=18, connection_s=4.0,
          accepted=0.7, refused=0.1, answer_octets=80),
    # A few octets a minute keep the bot on its controller's list.
    _kind("c2_contact", Manner.CONNECTIONS, ("203.0.113.200/32",), ("2001:db8:f000:c2::1/128",),
          protocol="tcp", octets=54, pps=4 / 60, ports=(48_101,), connection_packets=4, connection_s=0.4,
          accepted=1.0, answer_octets=54),
    AttackKind(name="spoofed_source", manner=Manner.PACKETS, targets_v4=_VICTIM_V4, targets_v6=_VICTIM_V6,
               forged_v4=FORGED_V4, forged_v6=FORGED_V6,
               values={"protocol": "udp", "octets": (540, 640, 750), "pps": 20_000}),
)
# fmt: on

ATTACK_KINDS: dict[str, AttackKind] = {row.name: row for row in _ROWS}
"""By name."""
