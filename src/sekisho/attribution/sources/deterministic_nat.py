"""Deterministic NAT (RFC 7422): which inside address has which ports is arithmetic, so there is no log.

RFC 7422, section 2: the inside prefix is spread over the outside prefix by a compression ratio; each outside address
serves as many inside addresses as the ratio says, each with an equal share of the ports above the reserved ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from sekisho.attribution.sources.events import LAST_PORT, Begin, Confirm, Held, Inside
from sekisho.attribution.validity import OPEN_FROM_MS
from sekisho.core.reasons import UnattributedReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.attribution.sources.events import Event

KIND = "deterministic_nat "
"""How the names of these sources begin."""

PORTS = LAST_PORT + 1
MAX_INSIDE = 1 << 20
"""Inside addresses of one rule: a /12 of shared space; more is a mistyped prefix length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeterministicNat:
    """One configured translation: algorithm "sequential" (RFC 7422, section 2.2).

    Attributes:
        reserved_ports: ports 0 to ``reserved_ports`` - 1 are given to nobody.
        dynamic_ports: highest ports of each outside address, given on demand and therefore logged.
        valid_from_ms: when this configuration came into force.

    Raises:
        ValueError: fewer than one port for an inside address, or an inside prefix larger than ``MAX_INSIDE``.
    """

    inside: IPv4Network
    outside: IPv4Network
    reserved_ports: int = 1024
    dynamic_ports: int = 0
    inside_realm: str = ""
    outside_realm: str = ""
    valid_from_ms: int = OPEN_FROM_MS

    def __post_init__(self) -> None:
        if self.inside.num_addresses > MAX_INSIDE:
            raise ValueError(f"inside: expected at most {MAX_INSIDE} addresses, found {self.inside}")
        if not 0 <= self.reserved_ports < PORTS or self.dynamic_ports < 0 or self.ports_each < 1:
            raise ValueError(f"expected at least one port for each of {self.ratio} inside addresses of one outside one")

    @property
    def ratio(self) -> int:
        """Inside addresses of one outside address."""
        return -(-self.inside.num_addresses // self.outside.num_addresses)

    @property
    def ports_each(self) -> int:
        """Ports of one inside address."""
        return (PORTS - self.reserved_ports - self.dynamic_ports) // self.ratio

    def held_by(self, inside: IPv4Address) -> Held:
        """Outside address and ports of an inside address.

        Raises:
            ValueError: it is not inside.
        """
        if inside not in self.inside:
            raise ValueError(f"an address of {self.inside}, not {inside}")
        outside, place = divmod(int(inside) - int(self.inside.network_address), self.ratio)
        first = self.reserved_ports + place * self.ports_each
        return Held(
            prefix=IPv4Network(self.outside[outside]),
            realm=self.outside_realm,
            port_first=first,
            port_last=first + self.ports_each - 1,
        )

    def inside_of(self, outside: IPv4Address, port: int) -> IPv4Address | UnattributedReason:
        """The inside address behind an outside address and a port (0 = no port known)."""
        if outside not in self.outside:
            return UnattributedReason.NO_ASSIGNMENT
        if port == 0:
            return UnattributedReason.NEEDS_PORT
        place = (port - self.reserved_ports) // self.ports_each
        number = (int(outside) - int(self.outside.network_address)) * self.ratio + place
        if not 0 <= place < self.ratio or number >= self.inside.num_addresses:
            return UnattributedReason.PORT_OUTSIDE_SET
        return self.inside[number]

    def events(self) -> Iterator[Begin]:
        """Every inside address's ports as an assignment that has no end; the line is whoever holds the address."""
        for inside in self.inside:
            held = self.held_by(inside)
            yield Begin(
                at_ms=self.valid_from_ms,
                received_ms=self.valid_from_ms,
                server=self._server,
                session=held.session,
                holder=Inside(address=inside, realm=self.inside_realm),
                held=(held,),
            )

    def events_until(self, now_ms: int) -> Iterator[Event]:
        """The same, and that arithmetic holds until now: there is no later record to wait for."""
        yield from self.events()
        first = self.held_by(self.inside[0]).session
        yield Confirm(at_ms=now_ms, received_ms=now_ms, server=self._server, session=first)

    @property
    def source(self) -> str:
        """Name of the source: another rule is another one, and the earlier one's answers go with it."""
        ports = f"{self.reserved_ports}-{LAST_PORT - self.dynamic_ports}"
        return f"{KIND}{self.inside_realm} {self.inside} to {self.outside_realm} {self.outside} {ports}"

    @property
    def _server(self) -> str:
        return f"{self.inside} to {self.outside}"
