"""What an attribution answers."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sekisho.core.address import IPNetwork, from_words
from sekisho.core.time import iso

if TYPE_CHECKING:
    from sekisho.core.reasons import UnattributedReason

Method = Literal["assignment", "map_e"]
Certainty = Literal["certain", "inferred"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which line held which prefix and ports from when to when.

    Attributes:
        line: key of the line.
        port_first, port_last: inclusive; 0 and 65535 where the address is not shared.
        valid_from_ms, valid_to_ms: milliseconds UTC, from inclusive, to exclusive; None = open.
        method: how the assignment was found: by the address itself, or by MAP-E arithmetic from a shared IPv4
            address to an IPv6 prefix.
    """

    line: int
    prefix: IPNetwork
    port_first: int
    port_last: int
    valid_from_ms: int | None
    valid_to_ms: int | None
    realm: str
    method: Method


class Hold(NamedTuple):
    """What can be asked again of a line: an address in its realm, and a port of it where it is shared, else 0.

    Records from ``from_ms`` to ``to_ms`` (milliseconds UTC, inclusive) may have been taken for the line's by it.
    """

    prefix: IPNetwork
    realm: str
    port: int
    from_ms: int
    to_ms: int

    def to_json(self) -> dict[str, Any]:
        """For the evidence of a detection."""
        times = {"from": iso(self.from_ms), "to": iso(self.to_ms)}
        return {"prefix": str(self.prefix), "realm": self.realm, "port": self.port} | times


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributed:
    """One line held the address, and the port where it matters, for the whole of the time."""

    line: int
    line_id: str
    assignment: Assignment
    certainty: Certainty = "certain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unattributed:
    """No line, and why.

    Attributes:
        explanation: one English sentence for the person who asked.
        candidate_lines: lines that held the address or a part of it, with any port, at some instant of the time.
    """

    reason: UnattributedReason
    explanation: str
    candidate_lines: int


def prefix_of_words(hi: int, lo: int, length: int) -> IPNetwork:
    """The prefix of two words and a length (0 to 128, IPv4 counted from 96)."""
    address = from_words(hi, lo)
    if address.version == 4 and length >= 96:
        return IPv4Network((int(address), length - 96))
    return IPv6Network((hi % (1 << 64) << 64 | lo % (1 << 64), length))
