"""Lightweight 4over6 (RFC 7596): the binding table of the lwAFTR, an IPv6 prefix for each shared address and PSID.

CSV: ``ipv6_prefix,ipv4_address,psid_offset,psid_length,psid[,valid_from,valid_to]``; times with their zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any

from sekisho.attribution.map_e import MapRule
from sekisho.attribution.sources.events import Begin, Held, Inside
from sekisho.attribution.tabular import Tabular
from sekisho.attribution.validity import OPEN_FROM_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.attribution.tabular import Block

REQUIRED = ("ipv6_prefix", "ipv4_address", "psid_offset", "psid_length", "psid")
OPTIONAL = ("valid_from", "valid_to")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One row of the table: what a household's IPv6 address has on the IPv4 side.

    Attributes:
        port_ranges: (first, last), inclusive; those of a PSID are as RFC 7597, 5.1 says.
    """

    ipv6_prefix: IPv6Network
    ipv4_address: IPv4Address
    port_ranges: tuple[tuple[int, int], ...]
    valid_from_ms: int
    valid_to_ms: int | None

    def event(self, realm: str) -> Begin:
        """The same in the words of all sources."""
        network = IPv4Network(self.ipv4_address)
        return Begin(
            at_ms=self.valid_from_ms,
            received_ms=self.valid_from_ms,
            server="lw4o6",
            session=f"{self.ipv6_prefix} {network} {self.port_ranges[0][0]}",
            holder=Inside(address=self.ipv6_prefix.network_address, realm=realm),
            held=tuple(
                Held(prefix=network, realm=realm, port_first=first, port_last=last) for first, last in self.port_ranges
            ),
            until_ms=self.valid_to_ms,
        )


def read_bindings(path: Path) -> Iterator[Binding]:
    """The rows of a binding table.

    Raises:
        InputError: a malformed row: a wrong line is worse than no line, so none is guessed or left out.
    """
    file = Tabular.open(path)
    file.check_columns(REQUIRED, OPTIONAL)
    for block in file.blocks():
        numbers = {name: block.numbers(name).to_pylist() for name in ("psid_offset", "psid_length", "psid")}
        texts = {name: block.required(name).to_pylist() for name in ("ipv6_prefix", "ipv4_address")}
        times = {name: block.instants(name).to_pylist() for name in OPTIONAL}
        for row in range(block.rows.num_rows):
            cells = {name: column[row] for name, column in (numbers | texts | times).items()}
            yield _binding(block, row, cells)


def binding_events(path: Path, *, realm: str) -> Iterator[Begin]:
    """The rows of a binding table as events; see ``read_bindings``."""
    return (binding.event(realm) for binding in read_bindings(path))


def _binding(block: Block, row: int, cells: dict[str, Any]) -> Binding:
    try:
        ipv6, ipv4 = IPv6Network(cells["ipv6_prefix"]), IPv4Address(cells["ipv4_address"])
        rule = MapRule(
            name="lw4o6",
            ipv6_prefix=ipv6,
            ipv4_prefix=IPv4Network(ipv4),
            ea_bits=0,
            psid_offset=cells["psid_offset"] or 0,
            psid_length=cells["psid_length"] or 0,
            psid=cells["psid"] if cells["psid_length"] else None,
        )
    except ValueError as error:
        raise block.refuse(row, "ipv6_prefix", expected=f"a binding ({error})", found=cells["ipv6_prefix"]) from None
    return Binding(
        ipv6_prefix=ipv6,
        ipv4_address=ipv4,
        port_ranges=rule.port_set(ipv6).port_ranges,
        valid_from_ms=OPEN_FROM_MS if cells["valid_from"] is None else cells["valid_from"],
        valid_to_ms=cells["valid_to"],
    )
