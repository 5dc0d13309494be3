"""The subscriber lines of a scenario: what each may send and which addresses it can have.

Lines number their addresses from shared address space (RFC 6598) and the documentation prefix (RFC 3849).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

import numpy as np

from sekisho.attribution.map_e import MapRule
from sekisho.core.address import V4_MAPPED

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from sekisho.simulate.scenario import LineCounts

ACCESS = ("pppoe", "map_e", "ipoe", "fixed")
"""Access kinds in the order of their codes."""
PPPOE, MAP_E, IPOE, FIXED = range(4)

NETWORK = ("100.72.0.0/16", "2001:db8::/33")
"""Prefixes of the simulated provider."""

DYNAMIC_POOL = IPv4Network("100.72.0.0/17")
FIXED_POOL = IPv4Network("100.72.128.0/20")
IPOE_POOL = IPv6Network("2001:db8:1000::/36")
MAP_RULE = MapRule(
    name="simulated",
    ipv6_prefix=IPv6Network("2001:db8:4000::/38"),
    ipv4_prefix=IPv4Network("100.72.240.0/20"),
    ea_bits=18,
    psid_offset=6,
)
"""Shaped as a Japanese provider's: a /56 a household, 64 households and 1,008 ports each behind one address."""

FIXED_LENGTH = 29
"""A business line holds eight addresses."""

DELEGATED_LENGTH = 56

_EPHEMERAL_FIRST, _EPHEMERAL_COUNT = 32_768, 28_232
"""Where most operating systems take source ports from."""

_SPEEDS_BPS = np.array(
    [(100_000_000, 100_000_000), (1_000_000_000, 1_000_000_000), (300_000_000, 1_000_000_000)], np.int64
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSets:
    """Source ports of each line: ``runs`` runs of ``length`` ports, ``stride`` apart; (lines,) int64 each."""

    first: NDArray[np.int64]
    stride: NDArray[np.int64]
    length: NDArray[np.int64]
    runs: NDArray[np.int64]

    def size(self, line: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of ports of each line."""
        return np.asarray(self.runs[line] * self.length[line], np.int64)

    def port(self, line: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ``number``-th port of each line, counted from 0 and around."""
        run, offset = np.divmod(number % self.size(line), self.length[line])
        return np.asarray(self.first[line] + run * self.stride[line] + offset, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Every line of a scenario; arrays are (lines,).

    Attributes:
        access: int64 code into ``ACCESS``.
        up_bps, down_bps: contracted speed.
        prefix_hi: int64, upper word of the delegated IPv6 prefix, 0 where there is none.
        fixed_v4: int64, lower word of the IPv4 address that never changes, 0 where there is none.
    """

    access: NDArray[np.int64]
    up_bps: NDArray[np.int64]
    down_bps: NDArray[np.int64]
    prefix_hi: NDArray[np.int64]
    fixed_v4: NDArray[np.int64]
    ports: PortSets

    def __len__(self) -> int:
        return len(self.access)

    def line_id(self, line: int) -> str:
        """Name of a line in every file."""
        return f"L{line + 1:06d}"

    def of(self, access: int) -> NDArray[np.int64]:
        """Numbers of the lines of one access kind."""
        return np.flatnonzero(self.access == access)


def build_lines(counts: LineCounts, rng: Generator) -> Lines:
    """Number the lines, kind after kind, and give each its fixed addresses, ports and speed."""
    access = np.repeat(np.arange(4), [counts.pppoe, counts.map_e, counts.ipoe, counts.fixed])
    n = len(access)
    speed = _SPEEDS_BPS[rng.integers(len(_SPEEDS_BPS), size=n)]
    fixed_v4, prefix_hi = np.zeros(n, np.int64), np.zeros(n, np.int64)
    ordinal = np.arange(n) - np.searchsorted(access, access)
    prefix_hi[access == IPOE] = _delegated(IPOE_POOL, ordinal[access == IPOE])
    prefix_hi[access == MAP_E] = _delegated(MAP_RULE.ipv6_prefix, ordinal[access == MAP_E])
    first_host = (V4_MAPPED | int(FIXED_POOL.network_address)) + 1
    fixed_v4[access == FIXED] = first_host + (ordinal[access == FIXED] << (32 - FIXED_LENGTH))
    ports = PortSets(
        first=np.full(n, _EPHEMERAL_FIRST),
        stride=np.zeros(n, np.int64),
        length=np.full(n, _EPHEMERAL_COUNT),
        runs=np.ones(n, np.int64),
    )
    for line in np.flatnonzero(access == MAP_E):
        fixed_v4[line] = _share_address(ports, int(line), int(prefix_hi[line]))
    return Lines(
        access=access,
        up_bps=speed[:, 0],
        down_bps=speed[:, 1],
        prefix_hi=prefix_hi,
        fixed_v4=fixed_v4,
        ports=ports,
    )


def delegated_prefix(prefix_hi: int) -> IPv6Network:
    """The delegated prefix whose upper word is given."""
    return IPv6Network((prefix_hi % (1 << 64) << 64, DELEGATED_LENGTH))


def _delegated(pool: IPv6Network, ordinal: NDArray[np.int64]) -> NDArray[np.int64]:
    return (int(pool.network_address) >> 64) + (ordinal << (64 - DELEGATED_LENGTH))


def _share_address(ports: PortSets, line: int, prefix_hi: int) -> int:
    """Take the port set and the lower address word of a MAP-E household from its rule."""
    port_set = MAP_RULE.port_set(delegated_prefix(prefix_hi))
    (first, last), (second, _) = port_set.port_ranges[:2]
    ports.first[line], ports.stride[line] = first, second - first
    ports.length[line], ports.runs[line] = last - first + 1, len(port_set.port_ranges)
    return V4_MAPPED | int(port_set.ipv4.network_address)
